# Needs nothing but Python 3.10-3.12 and make. `make lab` is to play, `make maze` runs the worked
# solutions, and `make test` is what CI runs.
PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.10,$(if $(shell python$(v) -c 1 2>&1 || echo no),,python$(v))) python3)
VENV := .venv
BIN := $(VENV)/bin
# Tests wait as much as they work: three at a time on two cores. A file's tests share a server.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile

.PHONY: maze lab test test-all golden bench

maze: $(VENV)/.runtime
	$(BIN)/maze run

# What somebody has written in maze-work stays.
lab: $(VENV)/.runtime
	$(BIN)/maze start maze-work
	cd maze-work && ../$(BIN)/jupyter lab

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST)

# After a change to a notebook: run it, and keep what nbval is to compare.
golden: $(VENV)/.test
	$(BIN)/python tests/refresh_goldens.py

bench: $(VENV)/.test
	$(BIN)/python -m bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || \
		{ echo "The maze needs Python 3.10, 3.11 or 3.12; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# With PyTorch and transformers, whose images the tests train and serve by.
$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[intent,test,dev]"
	@touch $@ $(VENV)/.runtime
