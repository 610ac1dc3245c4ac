"""The kernel notebooks run on: this very interpreter, whatever kernels are installed."""

import sys

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode


class CurrentInterpreter(AsyncKernelManager):
    """Starts an IPython kernel with the running interpreter."""

    # Files that only the user can open, rather than ports that every user of the machine can.
    transport = Unicode("tcp" if sys.platform == "win32" else "ipc")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel there is; a kernel name is ignored."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )
