"""The scikit-learn image: its code comes from an archive, and may be a package.

Source: aws/sagemaker-scikit-learn-container, and sagemaker-containers 2.8.6, on which it stands.
"""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Mapping

from maze_helpers.local_cloud.container import source_code
from maze_helpers.local_cloud.container.paths import home_folder
from maze_helpers.local_cloud.container.python_environment import PythonEnvironment
from maze_helpers.local_cloud.container.serving_environment import ServingEnvironment
from maze_helpers.local_cloud.container.serving_failure import ServingError, listing
from maze_helpers.local_cloud.container.serving_images.image import (
    Installation,
    ServingImage,
    has_file,
    paths_of,
)
from maze_helpers.local_cloud.container.train_log import ServeLog


class ScikitLearnImage(ServingImage):
    """Serves one module with gunicorn and a WSGI application, as on AWS."""

    application = "maze_helpers.local_cloud.container.serving_app:application"

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what the image's Dockerfile sets, where the model did not."""
        own = {
            "SAGEMAKER_SERVING_MODULE": "sagemaker_sklearn_container.serving:main",
            "SAGEMAKER_SKLEARN_VERSION": self.framework.image_version,
            "SM_MODEL_DIR": paths_of(given).model,
            "PYTHONUNBUFFERED": "1",
        }
        return {name: value for name, value in own.items() if name not in given}

    def place_code(self, environment: ServingEnvironment, log: ServeLog) -> None:
        """Unpack the source code, and look for the entry point in it."""
        # Imported late: for its HTTP client, which a server with local code does without.
        from maze_helpers.local_cloud.container.s3_download import DownloadError

        code = environment.paths.code
        try:
            source_code.place(environment.code_uri, code, os.environ, log)
        except (DownloadError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
            raise ServingError(
                f"The source code could not be fetched from {environment.code_uri}: {error}"
            ) from error
        if not has_file(code, "setup.py"):
            _require_entry_point(environment)

    def installation(self, environment: ServingEnvironment) -> Installation | None:
        """Return the package that the code is, and its requirements.

        Differs from AWS: code without a setup.py is imported from where it is; AWS makes it a
        package and installs that as well.
        """
        code = environment.paths.code
        has_setup, has_requirements = (
            has_file(code, name) for name in ("setup.py", "requirements.txt")
        )
        if not has_setup and not has_requirements:
            return None
        arguments = [
            *(["."] if has_setup else []),
            *(["-r", "requirements.txt"] if has_requirements else []),
        ]
        source = "requirements.txt" if has_requirements else "the source code's setup.py"
        announcement = "Installing module with the following command:"
        return Installation(arguments, code, source, announcement)

    def import_path(
        self, environment: ServingEnvironment, python: PythonEnvironment, own_path: list[str]
    ) -> str:
        """Return a path by which the code comes after the standard library."""
        return python.import_path(environment.paths.code, own_path)

    def working_folder(self, environment: ServingEnvironment) -> str:
        """Return the container's own home, and not the code's folder: on AWS it is elsewhere."""
        return home_folder()


def _require_entry_point(environment: ServingEnvironment) -> None:
    code, name = environment.paths.code, environment.module_name
    if "/" in name:
        raise ServingError(
            f"The entry point {environment.program} must be at the top of the source directory, "
            f"which holds: {listing(code)}."
        )
    if not any(has_file(code, found) for found in (f"{name}.py", name)):
        raise ServingError(
            f"The entry point {environment.program} is not in the source archive; "
            f"it holds: {listing(code)}."
        )
