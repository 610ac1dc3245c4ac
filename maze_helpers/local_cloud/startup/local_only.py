"""Keep a Python process local: AWS requests stay on this machine, and the SDK waits briefly.

The profile alone does nearly all of it. This is for what overlooks a profile's endpoint: URLs
that the SDK and the AWS CLI hard-code, and clients older than that setting. `session.connect`
uses it, and `sitecustomize` in whatever Python starts under `maze env`. There it may be any
Python 3, with no package of ours, and a second copy of this module beside the first; and it
delays every start, so that what is not built in is imported late.
"""

import os
import sys
import time

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
LONGEST_SLEEP_S = 0.1


def is_local() -> bool:
    """Return whether this process was told to be local."""
    return os.environ.get("MAZE_MODE") == "local"


def endpoint_url() -> str:
    """Return the local cloud's URL: the profile's, else a container's AWS_ENDPOINT_URL.

    Raises: RuntimeError, if neither says it, so that nothing leaves instead.
    """
    from configparser import RawConfigParser

    config = RawConfigParser()
    config.read(os.environ.get("AWS_CONFIG_FILE", os.devnull))
    section = "profile " + os.environ.get("AWS_PROFILE", "")
    if config.has_option(section, "endpoint_url"):
        return config.get(section, "endpoint_url")
    if "AWS_ENDPOINT_URL" in os.environ:
        return os.environ["AWS_ENDPOINT_URL"]
    raise RuntimeError("Nothing leaves in local mode, and no local cloud is known: run `maze up`.")


def keep_on_this_machine(request: object, **_: object) -> object:
    """Answer a botocore request for AWS from the local cloud; return None for any other."""
    from urllib.parse import urlsplit

    url = urlsplit(request.url)
    if not is_local() or not (url.hostname or "").endswith(AWS_DOMAINS):
        return None
    from botocore.httpsession import URLLib3Session

    local = urlsplit(endpoint_url())
    # The signature covers the host that was meant.
    request.headers["Host"] = url.netloc
    request.url = url._replace(scheme=local.scheme, netloc=local.netloc).geturl()
    # Sent from here, because the client's own session may have a proxy for that host.
    return URLLib3Session().send(request)


class Moment(float):
    """A time in seconds; the difference of two counts sleep that was cut short as passed.

    So "look again after 30 s" is soon, while a deadline, a plain number, stays as far away.
    """

    def __new__(cls, time_s: float, skipped_s: float) -> "Moment":
        """Return a moment. skipped_s: the sleep cut short so far."""
        moment = super().__new__(cls, time_s)
        moment.skipped_s = skipped_s
        return moment

    def __sub__(self, other: float) -> float:
        """Return the seconds since another moment, or before which a plain number lies."""
        passed_s = float(self) - float(other)
        return passed_s + self.skipped_s - getattr(other, "skipped_s", self.skipped_s)


class BriefClock:
    """Stands in for the `time` module where the SDK polls: it sleeps a moment at most."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def __getattr__(self, name: str) -> object:
        """Return what the `time` module has by that name."""
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Sleep the time asked for, at most 0.1 s."""
        brief_s = min(seconds, LONGEST_SLEEP_S)
        time.sleep(brief_s)
        self._skipped_s += seconds - brief_s

    def time(self) -> Moment:
        """Return the real time, aware of the sleep cut short so far."""
        return Moment(time.time(), self._skipped_s)


def _redirect(handlers: object, on: bool) -> None:
    name = keep_on_this_machine.__name__
    registered = handlers.BUILTIN_HANDLERS
    registered[:] = [entry for entry in registered if getattr(entry[1], "__name__", "") != name]
    if on:
        registered.append(("before-send", keep_on_this_machine))


def _wait_briefly(session: object, on: bool) -> None:
    session.time = BriefClock() if on else time


def _report_nothing(telemetry: object, on: bool) -> None:
    # Not by the opt-out in a configuration file: a Session may be given a configuration of its
    # own, and the SDK is slow to look things up in any.
    for name in ("_send_telemetry_request", "_send_telemetry", "_requests_helper"):
        send = getattr(telemetry, name, None)
        original = getattr(send, "replaces", send)
        if send is not None:
            setattr(telemetry, name, _stand_in(original) if on else original)


def _stand_in(original: object) -> object:
    def do_nothing(*_: object, **__: object) -> None:
        return None

    do_nothing.replaces = original
    return do_nothing


_CHANGES = {
    "botocore.handlers": _redirect,
    "sagemaker.session": _wait_briefly,
    "sagemaker.telemetry.telemetry_logging": _report_nothing,
    "sagemaker.serve.utils.telemetry_logger": _report_nothing,
}


class ChangeOnImport:
    """Finds modules as the other finders do, and has some of them changed once they have run."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Return the spec of a module that is to be changed, else None."""
        if name not in _CHANGES:
            return None
        for finder in list(sys.meta_path):
            if _is_ours(finder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _change_after_run(spec.loader, _CHANGES[name])
                return spec
        return None


def _is_ours(finder: object) -> bool:
    return type(finder).__name__ == ChangeOnImport.__name__


def _change_after_run(loader: object, change: object) -> None:
    run = loader.exec_module

    def run_and_change(module: object) -> None:
        run(module)
        change(module, on=True)

    loader.exec_module = run_and_change


def install() -> None:
    """Make this process local, whether botocore and the SDK are imported already or later."""
    uninstall()
    sys.meta_path.insert(0, ChangeOnImport())
    _change_imported(on=True)


def uninstall() -> None:
    """Undo `install`."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not _is_ours(finder)]
    _change_imported(on=False)


def _change_imported(on: bool) -> None:
    for name, change in _CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name], on=on)
