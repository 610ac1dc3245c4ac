"""S3's front: understand a request, do the operation, answer."""

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from maze_helpers.local_cloud.auth import SignedRequest
from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3 import checksums, parameters, responses
from maze_helpers.local_cloud.services.s3.bucket_operations import BucketOperations
from maze_helpers.local_cloud.services.s3.call import Call, understand
from maze_helpers.local_cloud.services.s3.checksums import Digests
from maze_helpers.local_cloud.services.s3.errors import (
    AccessDenied,
    InsufficientStorage,
    InternalError,
    InvalidArgument,
    InvalidRequest,
    NoSuchKey,
    NotImplementedHere,
)
from maze_helpers.local_cloud.services.s3.listing_operations import ListingOperations
from maze_helpers.local_cloud.services.s3.multipart import Uploads
from maze_helpers.local_cloud.services.s3.multipart_operations import MultipartOperations
from maze_helpers.local_cloud.services.s3.object_operations import ObjectOperations
from maze_helpers.local_cloud.services.s3.permissions import Permissions
from maze_helpers.local_cloud.services.s3.prompt import PromptWrites
from maze_helpers.local_cloud.services.s3.receiving import Receiver
from maze_helpers.local_cloud.services.s3.regions import wrong_region
from maze_helpers.local_cloud.services.s3.routing import Router
from maze_helpers.local_cloud.services.s3.transfers import Transfers

log = logging.getLogger(__name__)

WORKERS = 8
# Past what 10,000 parts with checksums need in CompleteMultipartUpload.
MAX_XML_BYTES = 4 * 1024 * 1024
# Parameters that would change what an operation means, and so cannot be passed over.
NOT_IMPLEMENTED = (
    "SSECustomer",
    "CopySourceSSECustomer",
    "ObjectLock",
    "WriteOffsetBytes",
    "MFA",
    "BypassGovernanceRetention",
)

Operation = Callable[[Call], dict[str, Any]]


class S3:
    """Answers every request to S3."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.account_id = cloud.account_id
        self.router = Router()
        self.executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="s3")
        self.permissions = Permissions(cloud.s3_authorization, cloud.objects.buckets)
        self.buckets = cloud.objects.buckets
        uploads = Uploads(cloud.store, cloud.objects, cloud.clock)
        receiver = Receiver(self.executor, PromptWrites(cloud.store, self.executor))
        self.transfers = Transfers(cloud.objects, uploads, receiver, self.executor).operations
        self.operations: dict[str, Operation] = {
            **BucketOperations(cloud).operations,
            **ListingOperations(cloud).operations,
            **ObjectOperations(cloud, self.permissions).operations,
            **MultipartOperations(cloud, uploads).operations,
        }

    async def answer(self, request: Request, signed: SignedRequest) -> Response:
        """Return the response to a request whose sender is known."""
        try:
            call = understand(request, signed, self.router)
            return await self._answer(call)
        except AWSError as error:
            return self.error(request, error)
        except ClientDisconnect:
            return Response(status_code=400)
        except (OSError, sqlite3.OperationalError) as error:
            return self.error(request, _storage_error(error))
        except Exception:
            log.exception("S3 %s %s failed", request.method, request.url.path)
            return self.error(request, InternalError())

    async def _answer(self, call: Call) -> Response:
        self._check(call)
        loop = asyncio.get_running_loop()
        if self.permissions.is_quick(call):
            self.permissions.check(call)
        else:
            await loop.run_in_executor(self.executor, self.permissions.check, call)
        try:
            if transfer := self.transfers.get(call.model.name):
                return await transfer(call)
            operation = self.operations.get(call.model.name)
            if operation is None:
                raise NotImplementedHere(
                    f"The local cloud does not implement S3's {call.model.name}."
                )
            await self._read_body(call)
            result = await loop.run_in_executor(self.executor, operation, call)
            return responses.result_response(call.model, result)
        except NoSuchKey as error:
            raise self.permissions.of_missing_key(call, error) from None

    def error(self, request: Request, error: AWSError) -> Response:
        """Return an error as S3 words it."""
        # botocore reuses the connection without sending the body that it held back.
        close = "expect" in request.headers
        return responses.error_response(request.method, error, close)

    def _check(self, call: Call) -> None:
        self._check_region(call)
        for name, value in call.parameters.items():
            # ObjectLockEnabledForBucket may say that there is to be none.
            if name.startswith(NOT_IMPLEMENTED) and value is not False:
                raise NotImplementedHere(
                    f"The local cloud does not implement {name} of S3's {call.model.name}."
                )
            if name.endswith("ExpectedBucketOwner") or name == "ExpectedSourceBucketOwner":
                if value != self.account_id:
                    raise AccessDenied()
            if name == "VersionId" and value != "null":
                raise InvalidArgument(
                    "Invalid version id specified", ArgumentName="versionId", ArgumentValue=value
                )

    def _check_region(self, call: Call) -> None:
        """Check that a request is signed for the region of its bucket.

        Buckets may be in any region, and all of them answer here. A new bucket's region is
        checked when it is made.
        """
        name = call.parameters.get("Bucket")
        if name is None or call.model.name == "CreateBucket":
            return
        bucket = self.buckets.find(name)
        if bucket is not None and bucket.region != call.signed.region:
            raise wrong_region(call.signed, bucket.region)

    async def _read_body(self, call: Call) -> None:
        body = await call.signed.read_body(call.request, MAX_XML_BYTES)
        if integrity := call.model.http_checksum:
            if "requestAlgorithmMember" in integrity:
                self._check_integrity(call, body)
        call.parameters.update(parameters.read_body(call.model, body))

    def _check_integrity(self, call: Call, body: bytes) -> None:
        stated = checksums.stated(call.headers)
        if stated.md5 is None and stated.algorithm is None:
            if call.model.http_checksum.get("requestChecksumRequired"):
                raise InvalidRequest(
                    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
                )
            return
        digests = Digests(stated.algorithm)
        digests.update(body)
        stated.check(digests, {})


def _storage_error(error: Exception) -> AWSError:
    is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if is_full or "disk is full" in str(error):
        return InsufficientStorage()
    log.error("S3's storage failed", exc_info=error)
    return InternalError()
