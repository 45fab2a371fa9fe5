"""The recording proxy as it is set up: what it records and what not, TLS on either side, and what it says of itself."""

import datetime
import gzip
import ipaddress
import json
import os
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import PROGRAM, Server, eventually
from proxy_setup import ARN, IDENTITIES, KEY, SECRET, Recorder, client, entry, free_port, watch
from proxy_upstreams import Scripted, answer, own_buckets

REGION = "us-east-1"
MIB = 1 << 20


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    server = own_buckets(tmp_path_factory.mktemp("upstream"))
    yield server
    server.kill()


@pytest.fixture
def make_recorder(tmp_path):
    made = []

    def make(upstreams, *flags, **settings):
        server = Recorder(tmp_path / f"trailkeep{len(made)}", upstreams, *flags, **settings)
        made.append(server)
        return server.start().keep_everything()

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()


def names(server, bucket):
    """What is recorded of a bucket: eventName and key."""
    parameters = lambda record: record.get("requestParameters") or {}
    return sorted((record["eventName"], parameters(record).get("key")) for record in server.records() if parameters(record).get("bucketName") == bucket)


# --- what is recorded ---


@pytest.mark.parametrize("selected, kept", [
    (False, []),
    (None, []),
    (["arn:aws:s3:::chosen-{}/logs/"], ["logs/a"]),
    (["arn:aws:s3:::chosen-{}/"], ["logs/a", "other/b"]),
    (["arn:aws:s3:::somebody-elses/"], []),
    (True, ["logs/a", "other/b"]),
])
def test_record_data_events_says_which_objects_are_recorded(make_recorder, upstream, selected, kept):
    bucket = f"chosen-{free_port()}"
    selected = [prefix.format(bucket.removeprefix("chosen-")) for prefix in selected] if isinstance(selected, list) else selected
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3", "record_data_events": selected}})
    s3 = client("s3", server.proxy("s3"), REGION)
    s3.create_bucket(Bucket=bucket)
    for key in ("logs/a", "other/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    s3.delete_bucket_tagging(Bucket=bucket)
    expected = sorted([("CreateBucket", None), ("DeleteBucketTagging", None), *((name, key) for key in kept for name in ("GetObject", "PutObject"))], key=str)
    eventually(lambda: sorted(names(server, bucket), key=str) == expected)


def test_a_trail_delivers_data_events_that_it_selects(make_recorder, upstream):
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}}, "--trails-delivery-interval", "1s")
    cloudtrail, logs = server.client("cloudtrail"), server.client("s3")
    logs.create_bucket(Bucket="audit-logs")
    cloudtrail.create_trail(Name="audit", S3BucketName="audit-logs", IsMultiRegionTrail=True)
    objects = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}, {"Field": "readOnly", "Equals": ["false"]}]
    cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=[{"FieldSelectors": objects}])
    cloudtrail.start_logging(Name="audit")
    s3 = client("s3", server.proxy("s3"), REGION)
    s3.create_bucket(Bucket="delivered")
    s3.put_object(Bucket="delivered", Key="k", Body=b"x")
    s3.get_object(Bucket="delivered", Key="k")
    s3.delete_object(Bucket="delivered", Key="k")

    def delivered():
        keys = [found["Key"] for found in logs.list_objects_v2(Bucket="audit-logs", Prefix="AWSLogs/").get("Contents", []) if found["Key"].endswith(".json.gz")]
        return [gzip.decompress(logs.get_object(Bucket="audit-logs", Key=key)["Body"].read()).decode() for key in keys]

    whole = eventually(lambda: (lambda texts: texts if sum(text.count('"eventID"') for text in texts) >= 2 else None)(delivered()), 60)
    records = [record for text in whole for record in json.loads(text)["Records"]]
    assert sorted(record["eventName"] for record in records) == ["DeleteObject", "PutObject"]
    stored = [text for text in server.texts() if json.loads(text)["eventID"] in {record["eventID"] for record in records}]
    assert len(stored) == 2 and all(any(text in file for file in whole) for text in stored), "the bytes are the same everywhere"


def test_one_server_has_many_proxies_and_records_of_each(make_recorder, upstream):
    elsewhere = Scripted(lambda request, connection: answer(body=b"elsewhere", id="ELSEWHERE"))
    server = make_recorder({"ours": {"upstream": upstream.url, "service": "s3"}, "elsewhere": {"upstream": elsewhere.url, "service": "s3"}})
    client("s3", server.proxy("ours"), REGION).create_bucket(Bucket="many")
    assert client("s3", server.proxy("elsewhere"), REGION).get_object(Bucket="many", Key="k")["Body"].read() == b"elsewhere"
    eventually(lambda: names(server, "many") == [("CreateBucket", None), ("GetObject", "k")])
    elsewhere.stop()


def test_paths_that_trailkeep_has_for_itself_are_the_upstreams_behind_a_proxy(make_recorder):
    upstream = Scripted(lambda request, connection: answer(body=request.path.encode()))
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}})
    for path in ["/healthz", "/healthz/ready", "/metrics", "/v1/events", "/console/", "/iceberg/v1/config"]:
        told = subprocess.run(["curl", "-sS", server.proxy("s3") + path], capture_output=True, text=True, check=True)
        assert told.stdout == path
    upstream.stop()


def test_large_values_are_recorded_as_large_and_go_through_whole(make_recorder):
    received = []
    upstream = Scripted(lambda request, connection: received.append(len(request.body)) or answer(body=b'{"SecretList":[]}'))
    server = make_recorder({"any": upstream.url})
    boto = client("events", server.proxy("any"), REGION)
    exchanges = watch(boto)
    boto.put_rule(Name="large", EventPattern="x" * 4_000, Description="y" * 400)
    upstream.script = lambda request, connection: received.append(len(request.body)) or answer(body=b'{}', id="TOOLARGE")
    iam = client("glue", server.proxy("any"), REGION, validate=False)
    iam.create_database(DatabaseInput={"Name": "n", "Parameters": {f"k{n}": "v" * 1_000 for n in range(300)}})
    assert received[-1] > 300_000 and exchanges[0].status == 200
    [record] = server.await_records(1, eventName="CreateDatabase")
    assert record["requestParameters"]["omitted"] is True and record["requestParameters"]["reason"] == "requestParameters too large", record
    upstream.stop()


# --- TLS ---


def certified(name, issuer, key, signer, ca):
    now = datetime.datetime.now(datetime.UTC)
    named = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    return (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True).sign(signer, hashes.SHA256())
    ).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine, its key, and the authority to trust."""
    folder = tmp_path_factory.mktemp("certificate")
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "ca.pem").write_bytes(certified("authority", "authority", authority, authority, True))
    (folder / "cert.pem").write_bytes(certified("trailkeep", "authority", key, authority, False))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    return folder / "cert.pem", folder / "key.pem", folder / "ca.pem"


class Secured(Recorder):
    """A Trailkeep whose proxies speak TLS."""

    def __init__(self, folder, upstreams, certificate, **settings):
        super().__init__(folder, upstreams, **settings)
        config = (folder / "trailkeep.toml").read_text()
        tls = f'tls = {{ cert = "{certificate[0]}", key = "{certificate[1]}" }}\n'
        (folder / "trailkeep.toml").write_text(config.replace("[[proxy]]\n", f"[[proxy]]\n{tls}"))

    def proxy(self, name):
        return super().proxy(name).replace("http:", "https:")


@pytest.fixture
def secured(upstream, certificate, tmp_path):
    server = Secured(tmp_path / "secured", {"s3": {"upstream": upstream.url, "service": "s3"}}, certificate).start().keep_everything()
    yield server
    server.kill()


def test_over_tls_boto3_sends_its_checksums_behind_the_body_and_records_say_how_it_was_secured(secured, certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[2]))
    s3 = client("s3", secured.proxy("s3"), REGION)
    exchanges = watch(s3)
    s3.create_bucket(Bucket="secured")
    content = os.urandom(5 * MIB)
    s3.put_object(Bucket="secured", Key="k", Body=content)
    sent = {name.lower(): value for name, value in exchanges[-1].sent.items()}
    assert sent["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" and sent["x-amz-trailer"], sent
    assert s3.get_object(Bucket="secured", Key="k", ChecksumMode="ENABLED")["Body"].read() == content
    [record] = secured.await_records(1, eventName="PutObject")
    tls = record["tlsDetails"]
    assert tls["tlsVersion"] == "TLSv1.3" and tls["cipherSuite"].startswith("TLS") and tls["clientProvidedHostHeader"] == secured.proxy("s3").removeprefix("https://")
    assert record["userIdentity"]["arn"] == ARN and record["additionalEventData"]["CipherSuite"] == tls["cipherSuite"]


def test_http_2_is_spoken_over_tls(secured, certificate):
    done = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", certificate[2], "-w", "%{http_version} %{http_code}", "-o", "/dev/null", *[f"{secured.proxy('s3')}/no-bucket-here/{n}" for n in range(3)]],
        capture_output=True, text=True, check=True,
    )
    assert done.stdout.startswith("2 403"), done.stdout
    records = eventually(lambda: [record for record in secured.records(eventName="GetObject") if (record.get("requestParameters") or {}).get("bucketName") == "no-bucket-here"])
    assert records[0]["tlsDetails"]["tlsVersion"] == "TLSv1.3"
    assert records[0]["requestParameters"]["Host"] == secured.proxy("s3").removeprefix("https://")


def test_an_upstream_over_tls_is_checked(make_recorder, certificate, tmp_path):
    (tmp_path / "upstream").mkdir()
    keys = {"TRAILKEEP_ACCESS_KEY_ID": KEY, "TRAILKEEP_SECRET_ACCESS_KEY": SECRET}
    upstream = Server(tmp_path / "upstream", "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]), environment=keys)
    upstream.start()
    try:
        server = make_recorder({
            "known": {"upstream": upstream.url, "service": "s3", "upstream_ca": str(certificate[2])}, "unknown": {"upstream": upstream.url, "service": "s3"},
        })
        client("s3", server.proxy("known"), REGION).create_bucket(Bucket="behind-tls")
        boto = client("s3", server.proxy("unknown"), REGION)
        with pytest.raises(boto.exceptions.ClientError) as refused:
            boto.create_bucket(Bucket="never-made")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
        [made, failed] = sorted(server.await_records(2, eventName="CreateBucket"), key=lambda record: "errorCode" in record)
        assert "errorCode" not in made and failed["errorCode"] == "TrailkeepUpstreamUnavailable"
    finally:
        upstream.kill()


# --- settings ---

WRONG = {
    "upstream": {"upstream": "127.0.0.1:9000"},
    "upstream with a path": {"upstream": "http://127.0.0.1:9000/path"},
    "on_failure": {"on_failure": "ignore"},
    "record_data_events": {"record_data_events": ["invoices"]},
    "trusted_proxies": {"trusted_proxies": ["10.0.0.0/33"]},
    "bucket_domains": {"bucket_domains": ["https://s3.example.com"]},
    "identities": {"identities": "/no/such/file.toml"},
    "listen": {"listen": "nowhere"},
    "no_such_setting": {"no_such_setting": 1},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_setting_that_is_wrong_is_named(tmp_path, case):
    settings = {"upstream": "http://127.0.0.1:9000", **WRONG[case]}
    (tmp_path / "trailkeep.toml").write_text(entry(free_port(), settings.pop("upstream"), **settings))
    command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path / "data"), "--config", str(tmp_path / "trailkeep.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and WRONG[case].get("identities", case.split()[0]) in done.stderr, done.stderr


def test_where_proxies_listen_is_printed(tmp_path):
    upstream = Scripted()
    server = Recorder(tmp_path / "trailkeep", {"s3": upstream.url})
    config = tmp_path / "trailkeep" / "trailkeep.toml"
    config.write_text(config.read_text().replace(f"127.0.0.1:{server.ports['s3']}", "127.0.0.1:0"))
    server.ports.clear()
    server.start()
    try:
        [line] = eventually(lambda: [line for line in server.log if line.strip().startswith("proxy")])
        url = line.split()[1]
        assert url.startswith("http://127.0.0.1:") and not url.endswith(":0") and upstream.url in line
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/b/k"], capture_output=True, text=True, check=True)
        assert done.stdout == "200"
    finally:
        server.kill()
        upstream.stop()


def test_identities_are_read_again_when_they_change(make_recorder):
    upstream = Scripted(lambda request, connection: answer(id=request.path[-8:].upper()))
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}}, identities="")
    s3 = client("s3", server.proxy("s3"), REGION)
    s3.delete_bucket(Bucket="before-the-change")
    [record] = server.await_records(1, eventName="DeleteBucket")
    assert record["userIdentity"]["type"] == "Unknown"
    (server.folder / "identities.toml").write_text(IDENTITIES)

    def known():
        s3.delete_bucket(Bucket="after-the-change")
        return [record for record in server.records(eventName="DeleteBucket") if record["userIdentity"].get("arn") == ARN]

    eventually(known)
    # What cannot be read changes nothing.
    (server.folder / "identities.toml").write_text("[[identity]\n")
    s3.delete_bucket(Bucket="still-known")
    eventually(lambda: [record for record in server.records(eventName="DeleteBucket") if record["requestParameters"]["bucketName"] == "still-known"])
    assert [record["userIdentity"].get("arn") for record in server.records(eventName="DeleteBucket") if record["requestParameters"]["bucketName"] == "still-known"] == [ARN]
    upstream.stop()
