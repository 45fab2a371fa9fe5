"""Requests made by hand, as they go over the wire: signed with botocore's signer, with a token, or not at all."""

import contextlib
import datetime
import http.client
import json
import re
import socket
import uuid
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCOUNT = "123456789012"
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."
AWS_JSON = "application/x-amz-json-1.1"
NDJSON = "application/x-ndjson"


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code, in whichever of AWS's ways it is told."""
        xml = re.search(rb"<Code>(.*?)</Code>", self.body)
        return xml[1].decode() if xml else self.json.get("__type")

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


def root_keys(server):
    keys = dict(line.split(" = ") for line in Path(server.credentials).read_text().splitlines() if " = " in line)
    return keys["aws_access_key_id"], keys["aws_secret_access_key"]


@contextlib.contextmanager
def clock_off_by(**delta):
    """Lets botocore sign as if its clock were off."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(**delta)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_: now):
        yield


def signed(server, method="POST", path="/", body=b"", headers=(), keys=None, service="cloudtrail", region="us-east-1", token=None):
    """The headers of a request, with those that sign it."""
    request = AWSRequest(method, f"{server.url}{path}", dict(headers), body)
    request.context["payload_signing_enabled"] = True
    botocore.auth.SigV4Auth(Credentials(*(keys or root_keys(server)), token), service, region).add_auth(request)
    return dict(request.headers.items())


def presigned(server, path, service, keys=None, expires=60, region="us-east-1", method="GET"):
    """A path whose query signs it."""
    request = AWSRequest(method, f"{server.url}{path}")
    signer = botocore.auth.SigV4QueryAuth(Credentials(*(keys or root_keys(server))), service, region, expires=expires)
    signer.add_auth(request)
    parts = urlsplit(request.url)
    return f"{parts.path}?{parts.query}"


def send(server, method="POST", path="/", body=b"", headers=(), seconds=30):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=seconds)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def call(server, operation, document=None, headers=(), **how):
    """A signed call of the API, of whatever JSON value or raw bytes."""
    body = document if isinstance(document, bytes) else json.dumps({} if document is None else document).encode()
    headers = {"Content-Type": AWS_JSON, "X-Amz-Target": TARGET + operation, **dict(headers)}
    return send(server, body=body, headers=signed(server, body=body, headers=headers, **how))


def raw(server, sent, seconds=10):
    """Bytes as they are; returns what came back until the server closed the connection, and whether it did."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return received, False
        except ConnectionResetError:
            pass
        return received, True


def make_token(server, *flags):
    done = server.trailkeep("token", "create", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def post_events(server, body, token=None, media_type=NDJSON, query="", coding=None, **how):
    """POST /v1/events: records, or a body as it is; with a bearer token or the root's signature."""
    if not isinstance(body, bytes):
        body = "\n".join(json.dumps(record) for record in body).encode()
    headers = {"Content-Type": media_type, **({"Content-Encoding": coding} if coding else {})}
    path = f"/v1/events{query}"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    else:
        headers = signed(server, path=path, body=body, headers=headers, **how)
    return send(server, path=path, body=body, headers=headers, seconds=120)


def kept(answer, accepted, **others):
    """Checks what POST /v1/events says it did."""
    assert answer.status == 200, answer
    told = answer.json
    expected = {"accepted": accepted, "duplicates": 0, "conflicts": 0, "expired": 0, "rejected": [], **others}
    assert {key: value for key, value in told.items() if key in expected} == expected, told
    return told


def record(name="TestEvent", seconds_ago=5, **members):
    """A record that is complete; a member that is None is left out."""
    time = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
    whole = {
        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "userName": "dana", "accountId": ACCOUNT},
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": "test.example.com", "eventName": name,
        "awsRegion": "us-east-1", "eventID": str(uuid.uuid4()), "readOnly": False, "recipientAccountId": ACCOUNT, **members,
    }
    return {key: value for key, value in whole.items() if value is not None}


@contextlib.contextmanager
def refused(code, message=""):
    """The call inside is refused with that code, and a message that has that text."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], message in error["Message"]) == (code, True), error


def found(server, attribute=None, value=None, region="us-east-1", **settings):
    """All events that LookupEvents finds."""
    arguments = {"LookupAttributes": [{"AttributeKey": attribute, "AttributeValue": value}]} if attribute else {}
    pages = server.client("cloudtrail", region, **settings).get_paginator("lookup_events").paginate(**arguments)
    return [event for page in pages for event in page["Events"]]
