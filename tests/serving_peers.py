"""Servers that answer the cases of `serving_cases`: one for each script, while the tests last."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from serving_cases import Case
from serving_container import SERVE, Answer, ModelServer, Served, serving


class Peers:
    """Model servers by script, started when first asked."""

    def __init__(self, stack: ExitStack, command: list[str]) -> None:
        self._stack = stack
        self._command = command
        self._servers: dict[str, ModelServer] = {}

    def server(self, script: str) -> ModelServer:
        if script not in self._servers:
            served = Served(files={"predict.py": script})
            self._servers[script] = self._stack.enter_context(serving(served, self._command))
            self._servers[script].ping()
        return self._servers[script]

    def answer(self, case: Case) -> Answer:
        body = case.body.encode() if isinstance(case.body, str) else case.body
        return self.server(case.script).ask(case.method, case.path, body, **case.headers)


@contextmanager
def peers(command: list[str] = SERVE) -> Iterator[Peers]:
    with ExitStack() as stack:
        yield Peers(stack, command)


def check(case: Case, answer: Answer) -> None:
    """Compare an answer with what the case says."""
    assert answer.status == case.status
    assert answer.content_type == case.content_type
    if case.answer is not None:
        assert answer.body == case.answer
    for name, value in case.answer_headers.items():
        assert answer.headers[name] == value
