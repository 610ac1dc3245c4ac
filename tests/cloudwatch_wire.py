"""CloudWatch's operations in each of its protocols, as botocore serialises and parses them."""

import urllib.error
import urllib.request
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict

from maze_helpers.local_cloud.wire import models

PROTOCOLS = ["smithy-rpc-v2-cbor", "json", "query"]


def call(cloud, protocol: str, operation_name: str, **parameters) -> dict:
    """Return what botocore reads from the answer to an operation, be it a result or an error."""
    operation = models.service_model("cloudwatch").operation_model(operation_name)
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    sent = serializer.serialize_to_request(parameters, operation)
    body = urlencode(sent["body"]) if isinstance(sent["body"], dict) else sent["body"]
    url = cloud.endpoint_url + sent["url_path"]
    request = AWSRequest(sent["method"], url, dict(sent["headers"]), body)
    SigV4Auth(cloud.session.get_credentials(), "monitoring", "us-east-1").add_auth(request)
    prepared = request.prepare()
    content = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    plain = urllib.request.Request(url, content, dict(prepared.headers), method="POST")
    try:
        with urllib.request.urlopen(plain) as response:
            answer = (response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            answer = (error.code, error.headers, error.read())
    return _parsed(protocol, operation, *answer)


def _parsed(protocol, operation, status, headers, body) -> dict:
    http = {"status_code": status, "headers": HeadersDict(headers.items()), "body": body}
    parser = botocore.parsers.create_parser(protocol)
    found = parser.parse(http, operation.output_shape)
    found["ResponseMetadata"] = {"HTTPStatusCode": status, "Headers": headers, "Body": body}
    return found
