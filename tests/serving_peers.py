"""Servers that answer the cases of `serving_cases`: one for each script, while the tests last."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from serving_cases import Case
from serving_container import SERVE, Answer, ModelServer, Served, serving


def of_script(script: str) -> Served:
    """Return a server of the scikit-learn image."""
    return Served(files={"predict.py": script})


class Peers:
    """Model servers by script, started when first asked.

    keeps: how many may run, the others having ended; None for all.
    """

    def __init__(
        self,
        stack: ExitStack,
        command: list[str],
        served: Callable[[str], Served] = of_script,
        keeps: int | None = None,
    ) -> None:
        self._stack = stack
        self._command = command
        self._served = served
        self._keeps = keeps
        self._servers: dict[str, ModelServer] = {}

    def server(self, script: str) -> ModelServer:
        if script not in self._servers:
            if len(self._servers) == self._keeps:
                self._stack.close()
                self._servers.clear()
            running = serving(self._served(script), self._command)
            self._servers[script] = self._stack.enter_context(running)
            self._servers[script].ping()
        return self._servers[script]

    def answer(self, case: Case) -> Answer:
        body = case.body.encode() if isinstance(case.body, str) else case.body
        return self.server(case.script).ask(case.method, case.path, body, **case.headers)


@contextmanager
def peers(
    command: list[str] = SERVE,
    served: Callable[[str], Served] = of_script,
    keeps: int | None = None,
) -> Iterator[Peers]:
    with ExitStack() as stack:
        yield Peers(stack, command, served, keeps)


def check(case: Case, answer: Answer) -> None:
    """Compare an answer with what the case says."""
    assert answer.status == case.status
    assert answer.content_type == case.content_type
    if case.answer is not None:
        assert answer.body == case.answer
    for name, value in case.answer_headers.items():
        assert answer.headers[name] == value
