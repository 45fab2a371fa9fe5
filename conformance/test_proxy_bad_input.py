"""What nobody should send through the recording proxy, from either side: nothing breaks, nothing leaks from one call into
another, and no record tells what did not happen."""

import concurrent.futures
import http.client
import json
import random
import re
import socket
import threading

import pytest

from conftest import eventually
from proxy_setup import ARN, KEY, Recorder, free_port
from proxy_upstreams import Scripted, answer
from test_proxy_durability import SIGNED, call

SEED = 20261203
MIB = 1 << 20
HEAD = "".join(f"{name}: {value}\r\n" for name, value in SIGNED.items()).encode()


def named(request, connection):
    """Answers with what was asked for, under an id of its own."""
    body = b"" if request.method == "HEAD" else f"answer to {request.path}".encode()
    return answer(body=body, id=re.sub("[^A-Za-z0-9]", "", request.path)[-16:].upper())


@pytest.fixture(scope="module")
def upstream():
    upstream = Scripted(named)
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    proxies = {"s3": {"upstream": upstream.url, "service": "s3"}, "any": upstream.url, "nowhere": f"http://127.0.0.1:{free_port()}"}
    server = Recorder(tmp_path_factory.mktemp("trailkeep"), proxies).start().keep_everything(("AWS::S3::Object", "AWS::DynamoDB::Table"))
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def well(server, upstream):
    """Whatever a scenario did, the program goes on, and did not find a fault in itself."""
    upstream.script = named
    upstream.forget()
    pid = server.process.pid
    yield
    upstream.script = named
    assert server.process.poll() is None and server.process.pid == pid
    assert call(server.ports["s3"], "GET", "/ledger/still-well")[2] == b"answer to /ledger/still-well"
    assert not server.metrics().get("trailkeep_internal_failures_total")


def raw(port, sent, seconds=15, close=False):
    """Bytes as they are; what came back, and whether the connection was closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        received = b""
        try:
            connection.sendall(sent)
            if close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return received, False
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received, True


def records_of(server, path):
    """The records of calls of a path `/bucket/key`."""
    bucket, _, key = path.lstrip("/").partition("/")
    wanted = lambda parameters: parameters.get("bucketName") == bucket and parameters.get("key") == key
    return [record for record in server.records() if wanted(record.get("requestParameters") or {})]


def only_record(server, path):
    [record] = eventually(lambda: records_of(server, path))
    return record


# --- requests that can be read in two ways ---

HIDDEN_CALL = b"GET /ledger/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: %d\r\n\r\n{}" % (2 + len(HIDDEN_CALL)) + HIDDEN_CALL,
    "two lengths in one": b"Content-Length: 2, %d\r\n\r\n{}" % (2 + len(HIDDEN_CALL)) + HIDDEN_CALL,
    "length and chunks": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN_CALL)) + HIDDEN_CALL,
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN_CALL)) + HIDDEN_CALL,
    "chunks, then another coding": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN_CALL,
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN_CALL,
    "a coding with a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN_CALL,
    "a coding behind a tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN_CALL,
    "a coding that is misspelt": b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN_CALL,
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}" + HIDDEN_CALL,
    "a length below zero": b"Content-Length: -2\r\n\r\n{}" + HIDDEN_CALL,
    "a length in another base": b"Content-Length: 0x2\r\n\r\n{}" + HIDDEN_CALL,
    "a length beyond 64 bits": b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "a folded header": b"X-Y: a\r\n Content-Length: 2\r\nContent-Length: 0\r\n\r\n" + b"{}",
    "a bare carriage return": b"X-Y: a\rContent-Length: 2\r\nContent-Length: 0\r\n\r\n",
    "a null byte": b"X-Y: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": b": a\r\nContent-Length: 0\r\n\r\n",
    "a name with a space": b"X Y: a\r\nContent-Length: 0\r\n\r\n",
    "a chunk size that is none": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk without its end": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_request_that_can_be_read_in_two_ways_hides_no_other(server, upstream, case):
    received, closed = raw(server.ports["s3"], b"PUT /ledger/ambiguous HTTP/1.1\r\nHost: x\r\n" + HEAD + AMBIGUOUS[case])
    assert closed, received[:300]
    assert received.count(b"HTTP/1.") <= 1 and b"answer to /ledger/smuggled" not in received, received
    assert received == b"" or received[9:10] in (b"4", b"5"), received[:300]
    assert "/ledger/smuggled" not in upstream.paths()
    assert not records_of(server, "/ledger/smuggled")


TOO_LARGE = {
    "a header of 200 KiB": b"GET /ledger/k HTTP/1.1\r\nHost: x\r\nX-Y: " + b"a" * 200_000 + b"\r\n\r\n",
    "five thousand headers": b"GET /ledger/k HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(5_000)) + b"\r\n",
    "a request line of 200 KiB": b"GET /ledger/" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a head without an end": b"GET /ledger/k HTTP/1.1\r\nHost: x\r\n" + b"X-Y: a\r\n" * 40_000,
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_heads_that_are_too_large_are_refused(server, upstream, case):
    received, closed = raw(server.ports["s3"], TOO_LARGE[case])
    assert closed and (received == b"" or re.match(rb"HTTP/1.1 4(00|13|14|31) ", received)), received[:200]
    assert upstream.paths() == []


NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello hello hello\r\n\r\n",
    "words": b"hello there\r\n\r\n",
    "another version": b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
    "no host": b"GET /ledger/k HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /ledger/k HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    "an upgrade": b"GET /ledger/k HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("case", NO_HTTP)
def test_what_is_no_call_becomes_none(server, upstream, case):
    received, _ = raw(server.ports["s3"], NO_HTTP[case], seconds=5, close=True)
    assert not received.startswith(b"HTTP/1.1 101") and received.count(b"HTTP/1.") <= 1, received
    assert not [request for request in upstream.requests if request.method == "CONNECT" or request.header("Upgrade")]


# --- signatures ---

SIGNATURES = [
    "", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=, Signature=", "AWS4-HMAC-SHA256 Credential=a/b/c/d",
    f"AWS4-HMAC-SHA256 Credential={KEY}",
    f"AWS4-HMAC-SHA256 Credential={'A' * 20_000}/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", "AWS4-HMAC-SHA256 " + "," * 5_000, "AWS " + KEY, "AWS " + KEY + ":", "AWS :x", "AWS",
    "Basic ZXJpbjpzZWNyZXQ=", "Bearer x.y.z", "AWS4-ECDSA-P256-SHA256 Credential=a/20261201/s3/aws4_request, SignedHeaders=host, Signature=0", "AWS4-HMAC-SHA256 Credential=ü/20261201/us-east-1/s3/aws4_request",
    "AWS4-HMAC-SHA256 Credential=\xff\xfe/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", "\t, = ;",
]


def test_malformed_signatures_go_to_the_upstream_and_name_nobody(server, upstream):
    for n, signature in enumerate(SIGNATURES):
        head = f"GET /ledger/malformed-{n} HTTP/1.1\r\nHost: x\r\nAuthorization: {signature}\r\nConnection: close\r\n\r\n".encode("latin-1")
        received, _ = raw(server.ports["s3"], head)
        assert received.startswith(b"HTTP/1.1 200") and received.endswith(b"answer to /ledger/malformed-%d" % n), (signature[:80], received)
        [request] = [request for request in upstream.requests if request.path == f"/ledger/malformed-{n}"]
        assert request.header("Authorization") == signature.strip(" \t"), "it is the upstream that judges it"
    for n, signature in enumerate(SIGNATURES):
        identity = only_record(server, f"/ledger/malformed-{n}")["userIdentity"]
        # What names the known key in a form that is whole enough is the known key's; nothing else is anybody's.
        assert "arn" not in identity and "userName" not in identity or (KEY in signature and identity["arn"] == ARN), (signature[:80], identity)
    for n, query in enumerate(["X-Amz-Credential=%ff%fe", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWSAccessKeyId=&Signature=", "X-Amz-Signature=" + "0" * 9_000]):
        received, _ = raw(server.ports["s3"], f"GET /ledger/query-{n}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 200"), (query[:80], received)
        identity = only_record(server, f"/ledger/query-{n}")["userIdentity"]
        assert "arn" not in identity and "userName" not in identity, (query[:80], identity)


@pytest.mark.parametrize("head", [
    f"GET /ledger/two-keys HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential={KEY}/20261201/us-east-1/s3/aws4_request,Credential=OTHER/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n",
    f"GET /ledger/two-headers HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential={KEY}/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nAuthorization: AWS OTHER:x\r\n",
    f"GET /ledger/two-places?AWSAccessKeyId=OTHER&Signature=x&Expires=1 HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential={KEY}/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n",
])
def test_a_request_that_names_two_signers_is_refused_before_the_upstream(server, upstream, head):
    received, _ = raw(server.ports["s3"], f"{head}Connection: close\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400") and b"<Code>" in received, received
    assert not upstream.requests, "whose record it would be depends on which of them the upstream looks at"


def test_requests_of_chance_break_nothing(server, upstream):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    whole = (
        b"POST /ledger/k?uploads&x=%2F HTTP/1.1\r\nHost: bucket.s3.example.com\r\n" + HEAD + b"X-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b'Content-Length: 40\r\nConnection: close\r\n\r\n{"TableName":"t","Item":{"a":{"S":"b"}}} '
    )
    for _ in range(300):
        sent = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(sent))
            how = chance.randrange(4)
            if how == 0:
                sent[at] = chance.randrange(256)
            elif how == 1:
                del sent[at:at + chance.randint(1, 12)]
            elif how == 2:
                sent[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 12)))
            else:
                sent[at:at] = sent[chance.randrange(len(sent)):][:30]
            if not sent:
                sent = bytearray(b"x")
        for name in ("s3", "any"):
            received, _ = raw(server.ports[name], bytes(sent), close=True)
            assert received == b"" or received.startswith(b"HTTP/1.1 "), (bytes(sent), received[:200])


BODIES = {
    "no JSON": ("DynamoDB_20120810.CreateTable", "application/x-amz-json-1.0", b"{" * 50_000),
    "deep JSON": ("DynamoDB_20120810.CreateTable", "application/x-amz-json-1.0", b'{"TableName":"t","Item":' + b'{"M":' * 5_000 + b"1" + b"}" * 5_001),
    "no text": ("DynamoDB_20120810.CreateTable", "application/x-amz-json-1.0", bytes(range(256)) * 40),
    "another type": ("DynamoDB_20120810.CreateTable", "application/x-amz-json-1.0", b'{"TableName":[1,{"a":null}],"Item":"x","Item":7}'),
    "an unknown operation": ("DynamoDB_20120810.NoSuchThing", "application/x-amz-json-1.0", b"{}"),
    "an unknown service": ("Nonsense_19700101.Do", "application/x-amz-json-1.1", b'{"a":1}'),
    "a form that is none": (None, "application/x-www-form-urlencoded", b"Action=CreateUser&Version=2010-05-08&UserName=%zz&Tags.member.99999999999999999999.Key=a&Tags.member.1000000.Key=b&&&=&="),
    "a form of another service": (None, "application/x-www-form-urlencoded", b"Action=NoSuchAction&Version=1999-01-01"),
    "broken CBOR": (None, "application/cbor", b"\xbf\xbf\xbf\xff\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
    "XML with entities": (None, "application/xml", b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><Tagging><TagSet>&c;</TagSet></Tagging>'),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_that_are_not_understood_go_to_the_upstream_and_are_recorded_as_far_as_known(server, upstream, case):
    target, media_type, body = BODIES[case]
    headers = {"Content-Type": media_type, "User-Agent": f"scenario/{case.replace(' ', '-')}", **({"X-Amz-Target": target, **sign_for("dynamodb")} if target else {})}
    status, _, said = call(server.ports["any"], "POST", "/?tagging" if "XML" in case else "/", body, headers)
    assert (status, said[:9]) == (200, b"answer to")
    [request] = upstream.requests
    assert request.body == body
    agent = headers["User-Agent"]
    [record] = eventually(lambda: [record for record in server.records() if agent in record.get("userAgent", "")])
    if "CreateTable" in (target or ""):
        assert (record["eventName"], record["eventSource"]) == ("CreateTable", "dynamodb.amazonaws.com")
    assert len(json.dumps(record)) < 256 << 10 and "haha" not in json.dumps(record), record


# --- what reaches the upstream ---


def test_a_request_reaches_the_upstream_as_it_was_sent(server, upstream):
    path = "/ledger/%7Ea//b/../c%2Fd+e%20f?x=%20&&y&z=%zz&list-type=2"
    fields = [("Host", "bucket.s3.example.com:8080"), *SIGNED.items(), ("X-Amz-Meta-One", "a  b"), ("x-amz-meta-one", "second"), ("X-AMZ-META-Two", "\xfcml\xe4ut"), ("Accept-Encoding", "identity"), ("Content-Length", "5")]
    head = f"PUT {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    received, _ = raw(server.ports["s3"], head.encode("latin-1") + b"hello", seconds=3)
    assert received.startswith(b"HTTP/1.1 200"), received
    [request] = upstream.requests
    assert (request.method, request.path, request.body) == ("PUT", path, b"hello")
    received = [(name.lower(), value) for name, value in request.fields if name.lower() != "connection"]
    assert sorted(received) == sorted((name.lower(), value) for name, value in fields), received


def test_an_answer_reaches_the_client_as_it_was_given(server, upstream):
    fields = [("ETag", '"0"'), ("x-amz-meta-a", "1"), ("X-Amz-Meta-A", "2"), ("Content-Type", "text/odd; x=\"y\""), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X-Odd", "\xfc")]
    upstream.script = lambda request, connection: answer(206, b"hello", fields)
    received, _ = raw(server.ports["s3"], b"GET /ledger/as-given HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    lines = [tuple(line.decode("latin-1").split(": ", 1)) for line in head.split(b"\r\n")[1:]]
    found = sorted((name.lower(), value) for name, value in lines if name.lower() not in ("connection", "date"))
    assert head.startswith(b"HTTP/1.1 206") and body == b"hello"
    assert found == sorted([*((name.lower(), value) for name, value in fields), ("content-length", "5"), ("x-amz-request-id", "UPSTREAM0000000")])


def test_what_an_upstream_says_before_its_answer_is_left_out(server, upstream):
    interim = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    upstream.script = lambda request, connection: interim + named(request, connection)
    path = "/interim/then-answered"
    for _ in range(2):
        status, headers, body = call(server.ports["s3"], "GET", path)
        assert (status, body) == (200, f"answer to {path}".encode())
        assert "link" not in {name.lower() for name in dict(headers)}
    eventually(lambda: len(records_of(server, path)) == 2)


def test_chunks_and_trailers_go_through(server, upstream):
    head = b"PUT /ledger/chunks HTTP/1.1\r\nHost: x\r\n" + HEAD + b"Transfer-Encoding: chunked\r\nTrailer: x-amz-checksum-crc32\r\nConnection: close\r\n\r\n"
    received, _ = raw(server.ports["s3"], head + b"5\r\nhello\r\n1;ext=1\r\n!\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200"), received
    [request] = upstream.requests
    assert request.body == b"hello!"
    assert only_record(server, "/ledger/chunks")["additionalEventData"]["bytesTransferredIn"] == 6


def test_a_client_that_asks_before_it_sends_is_told_what_the_upstream_says(server, upstream):
    head = b"PUT /ledger/%s HTTP/1.1\r\nHost: x\r\n" + HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.ports["s3"]), timeout=15) as connection:
        connection.sendall(head % b"asked")
        said = connection.recv(65536)
        assert said.startswith(b"HTTP/1.1 100"), said
        connection.sendall(b"hello")
        rest = said.partition(b"\r\n\r\n")[2]
        while piece := connection.recv(65536):
            rest += piece
    assert rest.startswith(b"HTTP/1.1 200") and upstream.requests[-1].body == b"hello"

    # An upstream that refuses at once: the body is never asked for.
    refusing = socket.create_server(("127.0.0.1", 0))

    def refuse():
        connection, _ = refusing.accept()
        with connection:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nx-amz-request-id: REFUSED\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.recv(1)

    threading.Thread(target=refuse, daemon=True).start()
    own = Recorder(server.folder / "refusing", {"s3": {"upstream": f"http://127.0.0.1:{refusing.getsockname()[1]}", "service": "s3"}}).start()
    try:
        received, _ = raw(own.ports["s3"], head % b"refused")
        assert b"HTTP/1.1 403" in received and b"100 Continue" not in received, received
    finally:
        own.kill()
        refusing.close()


def test_two_requests_in_one_packet_are_answered_in_their_order(server, upstream):
    one = b"GET /ledger/pipelined-%d HTTP/1.1\r\nHost: x\r\n%s\r\n"
    received, _ = raw(server.ports["s3"], b"".join(one % (n, HEAD + (b"Connection: close\r\n" if n == 9 else b"")) for n in range(10)))
    assert [int(n) for n in re.findall(rb"answer to /ledger/pipelined-(\d)", received)] == list(range(10))
    eventually(lambda: all(len(records_of(server, f"/ledger/pipelined-{n}")) == 1 for n in range(10)))


# --- upstreams that fail ---

FORMS = {
    "s3": ("s3", "PUT", "/ledger/{}", {}, b"x", lambda body: b"<Error><Code>" in body.replace(b"\n", b"")),
    "json": ("any", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.CreateTable", "Content-Type": "application/x-amz-json-1.0"}, b'{"TableName":"t"}', lambda body: "__type" in json.loads(body)),
    "query": ("any", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded", "Host": "iam.amazonaws.com"}, b"Action=CreateUser&Version=2010-05-08&UserName=dana",
              lambda body: b"<ErrorResponse" in body and b"<Code>" in body),
    "ec2": ("any", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded", "Host": "ec2.amazonaws.com"}, b"Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16",
            lambda body: b"<Errors>" in body and b"<Code>" in body),
}


def sign_for(service):
    return {"Authorization": SIGNED["Authorization"].replace("/s3/", f"/{service}/")}


SIGNERS = {"s3": "s3", "json": "dynamodb", "query": "iam", "ec2": "ec2"}


@pytest.mark.parametrize("form", FORMS)
def test_an_upstream_that_closes_without_an_answer_is_a_502_in_the_services_form(server, upstream, form):
    name, method, path, headers, body, understood = FORMS[form]
    upstream.script = lambda request, connection: None
    agent = f"scenario/closed-{form}"
    status, got, said = call(server.ports[name], method, path.format("closed"), body, {**headers, **sign_for(SIGNERS[form]), "User-Agent": agent})
    assert status == 502 and understood(said), (status, said)
    assert len(upstream.requests) == 1, "a write is not sent again"
    [record] = eventually(lambda: [record for record in server.records() if agent in record.get("userAgent", "")])
    assert record["errorCode"].startswith("TrailkeepUpstream") and record["responseElements"] is None, record


def test_an_upstream_that_is_not_there_is_a_502(server):
    status, _, said = call(server.ports["nowhere"], "PUT", "/ledger/nowhere", b"x")
    assert status == 502 and b"<Code>" in said
    assert only_record(server, "/ledger/nowhere")["errorCode"] == "TrailkeepUpstreamUnavailable"


MALFORMED = {
    "garbage": b"hello there\r\n\r\n",
    "no head's end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "a head of a mebibyte": b"HTTP/1.1 200 OK\r\nX: " + b"a" * MIB + b"\r\nContent-Length: 5\r\n\r\nhello",
    "a status that is none": b"HTTP/1.1 9999 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a protocol of its own": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_an_answer_that_is_none_is_a_502_and_recorded_as_a_failure(server, upstream, case):
    def script(request, connection):
        connection.sendall(MALFORMED[case])

    upstream.script = script
    key = f"/ledger/malformed-answer-{case.replace(' ', '-')}"
    received, _ = raw(server.ports["s3"], b"GET %s HTTP/1.1\r\nHost: x\r\n" % key.encode() + HEAD + b"Connection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 502") and b"<Code>" in received and b"hello there" not in received, received[:300]
    assert only_record(server, key)["errorCode"].startswith("TrailkeepUpstream")


BROKEN = {
    "a body that is cut short": b"HTTP/1.1 200 OK\r\nx-amz-request-id: A\r\nContent-Length: 100\r\n\r\nhello",
    "a chunk that is cut short": b"HTTP/1.1 200 OK\r\nx-amz-request-id: A\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "chunks without the last": b"HTTP/1.1 200 OK\r\nx-amz-request-id: A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a chunk size that is none": b"HTTP/1.1 200 OK\r\nx-amz-request-id: A\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_breaks_off_breaks_off_for_the_client_too(server, upstream, case):
    def script(request, connection):
        connection.sendall(BROKEN[case])

    upstream.script = script
    path = f"/ledger/broken-{case.replace(' ', '-')}"
    with pytest.raises((http.client.IncompleteRead, http.client.HTTPException, OSError)):
        call(server.ports["s3"], "GET", path)
    record = only_record(server, path)
    assert record["errorCode"] == "TrailkeepUpstreamDisconnected", record


def test_an_answer_without_a_length_ends_with_its_connection(server, upstream):
    def script(request, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-amz-request-id: ENDLESS\r\n\r\n" + b"hello" * 10_000)

    upstream.script = script
    status, _, body = call(server.ports["s3"], "GET", "/ledger/until-closed")
    assert (status, body) == (200, b"hello" * 10_000)
    record = only_record(server, "/ledger/until-closed")
    assert "errorCode" not in record and record["additionalEventData"]["bytesTransferredOut"] == 50_000


def test_answers_without_a_body_have_none(server, upstream):
    statuses = {"none": 204, "unchanged": 304}
    upstream.script = lambda request, connection: (
        answer(headers=[("Content-Type", "x")]).replace(b"Content-Length: 0", b"Content-Length: 4242") if request.method == "HEAD"
        else f"HTTP/1.1 {statuses[request.path.rpartition('/')[2]]} X\r\nx-amz-request-id: A\r\n\r\n".encode()
    )
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["s3"], timeout=15)
    for _ in range(3):
        for key, status in statuses.items():
            connection.request("GET", f"/ledger/{key}", headers=SIGNED)
            got = connection.getresponse()
            assert (got.status, got.read()) == (status, b"")
        connection.request("HEAD", "/ledger/head", headers=SIGNED)
        got = connection.getresponse()
        assert (got.status, got.headers["Content-Length"], got.read()) == (200, "4242", b"")
    connection.close()


# --- nothing leaks from one call into another ---


def test_what_an_upstream_says_too_much_reaches_nobody(server, upstream):
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
    upstream.script = lambda request, connection: answer(body=b"right", id="A") + evil if "too-much" in request.path else named(request, connection)
    for n in range(20):
        status, _, body = call(server.ports["s3"], "GET", f"/ledger/too-much-{n}")
        assert (status, body) == (200, b"right")
        status, _, body = call(server.ports["s3"], "GET", f"/ledger/after-{n}")
        assert (status, body) == (200, f"answer to /ledger/after-{n}".encode())
    assert not [record for record in server.records() if "EVIL" in json.dumps(record)]


def test_clients_that_leave_take_nothing_from_others(server, upstream):
    large = b"L" * (4 * MIB)
    upstream.script = lambda request, connection: answer(body=large, id="LARGE") if "left" in request.path else named(request, connection)
    chance = random.Random(SEED)

    def leave(n):
        with socket.create_connection(("127.0.0.1", server.ports["s3"]), timeout=15) as connection:
            if n % 2:
                connection.sendall(b"GET /ledger/left-%d HTTP/1.1\r\nHost: x\r\n%s\r\n" % (n, HEAD))
                connection.recv(chance.randint(1, 5_000))
            else:
                connection.sendall(b"PUT /ledger/left-%d HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100000\r\n\r\nnot all of it" % (n, HEAD))

    def stay(n):
        connection = http.client.HTTPConnection("127.0.0.1", server.ports["s3"], timeout=30)
        for m in range(10):
            connection.request("PUT" if m % 2 else "GET", f"/ledger/stay-{n}-{m}", b"%d" % n if m % 2 else None, SIGNED)
            got = connection.getresponse()
            assert (got.status, got.read()) == (200, f"answer to /ledger/stay-{n}-{m}".encode())
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for done in [*[pool.submit(leave, n) for n in range(60)], *[pool.submit(stay, n) for n in range(30)]]:
            done.result()
    wanted = {f"stay-{n}-{m}" for n in range(30) for m in range(10)}

    def keys():
        return [record["requestParameters"].get("key") for record in server.records() if (record.get("requestParameters") or {}).get("key", "").startswith("stay-")]

    eventually(lambda: wanted <= set(keys()))
    assert sorted(keys()) == sorted(wanted)


def test_slow_clients_hold_up_nobody(server, upstream):
    slow = [socket.create_connection(("127.0.0.1", server.ports["s3"])) for _ in range(100)]
    try:
        for n, connection in enumerate(slow):
            head = b"PUT /ledger/slow-%d HTTP/1.1\r\nHost: x\r\n%sContent-Length: 1000\r\n\r\nnot yet" % (n, HEAD)
            connection.sendall([b"", b"P", head[:60], head][n % 4])
        for n in range(20):
            assert call(server.ports["s3"], "PUT", f"/ledger/quick-{n}", b"x", seconds=5)[0] == 200
    finally:
        for connection in slow:
            connection.close()


def test_the_upstreams_connections_are_used_again(server, upstream):
    before = upstream.connections
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["s3"], timeout=15)
    for n in range(50):
        connection.request("GET", f"/ledger/kept-{n}", headers=SIGNED)
        assert connection.getresponse().read() == f"answer to /ledger/kept-{n}".encode()
    connection.close()
    assert upstream.connections - before <= 2
