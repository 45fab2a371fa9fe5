"""The one listener: what is no request, clients that are silent, slow or gone, TLS, and who may read the metrics."""

import datetime
import ipaddress
import json
import random
import select
import socket
import ssl
import struct
import subprocess
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import Server, eventually
from wire import AWS_JSON, NDJSON, TARGET, found, make_token, post_events, raw, record, root_keys, send, signed

SEED = 20261121


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), "--trails-delivery-interval", "1s").start()
    yield server
    server.kill()


@pytest.fixture(scope="module", autouse=True)
def silent(server):
    """Connections over which nothing comes, or not enough."""
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    for connection, sent in zip(connections, [b"", b"P", b"PRI * HTTP/2.0", b"GET / HTTP/1.1\r\nX-"]):
        connection.sendall(sent)
    return connections


# --- smuggling ---

SMUGGLED = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\n{}GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 3\r\n\r\n{}",
    "a signed length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
    "a length beyond 64 bits": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunks and length": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "another coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "a hidden coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "a folded header": b"POST / HTTP/1.1\r\nHost: x\r\nX-Y: a\r\n b: c\r\nContent-Length: 0\r\n\r\n",
    "a bare carriage return": b"GET /healthz HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "a null byte": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Y: a\x00b\r\n\r\n",
    "a header of 80 KiB": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Y: " + b"a" * 80_000 + b"\r\n\r\n",
    "two thousand headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(2_000)) + b"\r\n",
    "a request line of 80 KiB": b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello hello hello\r\n\r\n",
    "a chunk size that is none": b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_a_request_that_can_be_read_in_two_ways_is_refused_once_and_the_connection_closed(server, case):
    received, closed = raw(server, SMUGGLED[case])
    assert closed, received[:300]
    assert received.count(b"HTTP/1.") <= 1 and b"trailkeep_" not in received, received[:500]
    assert received == b"" or received[9:10] == b"4", received[:300]
    assert send(server, "GET", "/healthz").status == 200


# --- clients ---


def test_a_call_of_a_client_that_leaves_is_carried_out_to_its_end_or_not_at_all(server):
    """What a change asks for is not lost between its commit and its effect."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    server.client("s3").create_bucket(Bucket="left-logs")
    regions = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"]
    trails = [(region, f"left{n}") for region in regions for n in range(5)]
    for region, name in trails:
        server.client("cloudtrail", region).create_trail(Name=name, S3BucketName="left-logs")
        body = json.dumps({"Name": name}).encode()
        headers = signed(server, body=body, headers={"Content-Type": AWS_JSON, "X-Amz-Target": TARGET + "StartLogging"}, region=region)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
            select.select([connection], [], [], chance.uniform(0, 0.01))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    status = lambda region, name: server.client("cloudtrail", region).get_trail_status(Name=name)
    logging = [trail for trail in trails if status(*trail)["IsLogging"]]
    assert logging, "every client left before its call was read"
    for region, name in logging:
        eventually(lambda: "LatestDeliveryTime" in status(region, name))
    for region in regions:
        recorded = [json.loads(event["CloudTrailEvent"]) for event in found(server, "EventName", "StartLogging", region)]
        assert sorted(event["requestParameters"]["name"] for event in recorded) == [name for home, name in logging if home == region]

# --- the end of an answer ---


@pytest.mark.parametrize("path, status", [("/v1/events", 403), ("/v1/tokens", 413), ("/", 403), ("/some-bucket/key", 403)])
def test_the_answer_to_a_large_body_that_is_not_wanted_arrives(server, path, status):
    for method in ["POST", "PUT"]:
        answer = send(server, method, path, b"x" * (20 << 20), {"Content-Type": NDJSON, "Authorization": "Bearer wrong"})
        assert answer.status in (status, 403, 405), answer


def test_a_client_that_asks_first_does_not_send_what_is_not_wanted(server):
    head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
    received, closed = raw(server, head)
    assert closed and received.startswith(b"HTTP/1.1 403") and b"100 Continue" not in received


# --- curl ---


def test_curl_sends_events_with_its_own_signature(server, tmp_path):
    one = record()
    (tmp_path / "events.ndjson").write_text(json.dumps(one))
    key, secret = root_keys(server)
    for query in ["", "?route=history"]:
        command = ["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:cloudtrail", "--user", f"{key}:{secret}", "-H", f"Content-Type: {NDJSON}",
                   "--data-binary", f"@{tmp_path}/events.ndjson", f"{server.url}/v1/events{query}"]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert told["accepted"] + told["duplicates"] == 1, told


# --- TLS ---


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "trailkeep")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    server = Server(folder, "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem").start()
    yield server, f"{folder}/cert.pem"
    server.kill()


def test_over_tls_everything_is_the_same_and_records_say_how(secured):
    server, certificate = secured
    assert server.url.startswith("https://")
    client = server.client("cloudtrail", verify=certificate)
    answer = client.list_trails()
    events = eventually(lambda: client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListTrails"}])["Events"])
    event = json.loads(events[0]["CloudTrailEvent"])
    assert event["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert event["tlsDetails"]["tlsVersion"] == "TLSv1.3" and event["tlsDetails"]["cipherSuite"].startswith("TLS")
    assert event["tlsDetails"]["clientProvidedHostHeader"] == f"127.0.0.1:{server.port}"
    server.client("s3", verify=certificate).create_bucket(Bucket="secured")


def test_http_2_is_spoken_over_tls(secured):
    server, certificate = secured
    told = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", certificate, "-w", "%{http_version}", f"{server.url}/healthz"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "live\n2"


def test_what_is_no_tls_is_closed(secured):
    server, certificate = secured
    received, closed = raw(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert closed and b"live" not in received
    context = ssl.create_default_context(cafile=certificate)
    assert urllib.request.urlopen(f"{server.url}/healthz", context=context).read() == b"live\n"


# --- metrics ---


def test_metrics_are_for_loopback_or_a_token(make_server):
    address = outward_address()
    server = make_server("--listen", "0.0.0.0:0")
    ask = lambda token: subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {token}", f"http://{address}:{server.port}/metrics"],
        capture_output=True, text=True, check=True,
    ).stdout
    assert send(server, "GET", "/metrics").status == 200
    assert ask("wrong") == "403" and ask(make_token(server, "--ingest")) == "403" and ask(make_token(server, "--metrics")) == "200"


def outward_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Nothing is sent: this asks for the route.
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


def test_a_client_that_says_nothing_is_not_waited_for(server, silent):
    for connection in silent:
        connection.settimeout(30)
        said = b""
        while piece := connection.recv(4096):
            said += piece
        assert said == b"" or said.startswith(b"HTTP/1.1 4"), said
        connection.close()
