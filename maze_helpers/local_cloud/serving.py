"""One life of the server: its port, its log, the application, and an orderly end."""

import logging
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from logging.handlers import RotatingFileHandler
from types import FrameType

import psutil
import uvicorn

import maze_helpers
from maze_helpers.local_cloud.app import LocalCloudApp
from maze_helpers.local_cloud.aws_profile import write_profile
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import Home, ServerInfo, explain, started_after_boot_s
from maze_helpers.local_cloud.open_files import allow_open_files
from maze_helpers.local_cloud.ports import listen
from maze_helpers.local_cloud.services.moto_calls import moto
from maze_helpers.local_cloud.store import NewerStateError
from maze_helpers.local_cloud.waiters import write_waiters

# A client that reuses a connection as the server closes it sees a reset: let idle ones live.
KEEP_ALIVE_S = 3600
# What a request in flight gets at the end, a held Describe or an upload.
LAST_REQUESTS_S = 3
LOG_BYTES, OLD_LOGS = 5_000_000, 2
# A thousand clients of an endpoint hold two thousand connections. macOS grants no more.
OPEN_FILES = 10_240


def serve(
    home: Home, port: int | None, access_log: bool, announce: Callable[[ServerInfo], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then end the jobs; announce is called once it answers.

    port: None for the one the folder had, 0 for any free one.
    Raises: MazeError, if the port is taken or the folder cannot be used.
    """
    try:
        _log_to_file(home, access_log)
        allow_open_files(OPEN_FILES)
        with closing(listen(home, port)) as listener:
            info = _describe(listener)
            cloud = LocalCloud(home.path, info.endpoint_url)
            with closing(cloud):
                cloud.recover()
                write_profile(home, cloud.region, info.endpoint_url)
                write_waiters(home.aws / "models")
                Server(cloud, home, info, access_log, announce).run(sockets=[listener])
    except NewerStateError as error:
        raise MazeError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        logging.getLogger(__name__).exception("the server ends")
        raise MazeError(explain(error, home.path)) from error


class Server(uvicorn.Server):
    """A uvicorn server that says when it answers, and stops saying so when it ends."""

    def __init__(
        self,
        cloud: LocalCloud,
        home: Home,
        info: ServerInfo,
        access_log: bool,
        announce: Callable[[ServerInfo], None],
    ) -> None:
        config = uvicorn.Config(
            LocalCloudApp(cloud),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=access_log,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=LAST_REQUESTS_S,
        )
        super().__init__(config)
        self.cloud = cloud
        self.home = home
        self.info = info
        self.announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then announce it."""
        await super().startup(sockets)
        self.home.write_info(self.info)
        self.announce(self.info)
        # Nearly every first caller asks IAM for its role: by then, this is done.
        threading.Thread(target=moto, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Withdraw the announcement, then let the last requests end."""
        self.home.forget_info()
        self.cloud.announce_close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; unlike uvicorn's own, do not raise the signal again afterwards."""
        self.should_exit = True


def _describe(listener: socket.socket) -> ServerInfo:
    process = psutil.Process(os.getpid())
    return ServerInfo(
        pid=process.pid,
        started_after_boot_s=started_after_boot_s(process),
        port=listener.getsockname()[1],
        version=maze_helpers.__version__,
    )


def _log_to_file(home: Home, access_log: bool) -> None:
    handler = RotatingFileHandler(home.log, maxBytes=LOG_BYTES, backupCount=OLD_LOGS)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    if access_log:
        logging.getLogger("uvicorn.access").addFilter(_leave_out_the_query)


def _leave_out_the_query(record: logging.LogRecord) -> bool:
    """Keep an access record, without what signs a presigned URL."""
    client, method, path, *rest = record.args
    record.args = (client, method, path.partition("?")[0], *rest)
    return True
