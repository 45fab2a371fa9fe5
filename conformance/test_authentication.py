"""Who is let in: signatures in the header and the query, bearer tokens, and what becomes of everybody else."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from conftest import PROGRAM, Server
from wire import (
    ACCOUNT, AWS_JSON, NDJSON, TARGET, call, clock_off_by, kept, make_token, post_events, presigned, record, refused, root_keys, send, signed,
)

OTHER = "210987654321"
OTHER_KEYS = ("AKIAOTHEROTHEROTHER1", "other-secret")
CONFIG = f"""
[[account]]
id = "{OTHER}"
access_key_id = "{OTHER_KEYS[0]}"
secret_access_key = "{OTHER_KEYS[1]}"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


def is_refused(answer, code, status=403):
    assert (answer.status, answer.code) == (status, code), answer
    return answer.json["message"] if answer.body.startswith(b"{") else answer.body.decode()


# --- signatures ---


def test_the_root_of_each_account_is_let_in_as_itself(server):
    for settings, account in [({}, ACCOUNT), (dict(zip(["aws_access_key_id", "aws_secret_access_key"], OTHER_KEYS)), OTHER)]:
        identity = server.client("sts", **settings).get_caller_identity()
        assert (identity["Account"], identity["UserId"], identity["Arn"]) == (account, account, f"arn:aws:iam::{account}:root")


def test_a_wrong_key_a_wrong_secret_and_a_session_token_are_refused(server):
    key, secret = root_keys(server)
    assert is_refused(call(server, "ListTrails", keys=("AKIANOBODYNOBODYNOBO", secret)), "UnrecognizedClientException")
    assert "does not match" in is_refused(call(server, "ListTrails", keys=(key, secret[:-1])), "InvalidSignatureException")
    assert is_refused(call(server, "ListTrails", token="a-session-token"), "UnrecognizedClientException")
    assert is_refused(call(server, "ListTrails", keys=(key, OTHER_KEYS[1])), "InvalidSignatureException")


def test_boto3_reads_the_codes(server):
    with refused("UnrecognizedClientException", "security token included in the request is invalid"):
        server.client("cloudtrail", aws_access_key_id="AKIANOBODYNOBODYNOBO").list_trails()
    with refused("InvalidSignatureException"):
        server.client("cloudtrail", aws_secret_access_key="wrong").list_trails()
    with refused("InvalidClientTokenId"):
        server.client("sts", aws_access_key_id="AKIANOBODYNOBODYNOBO").get_caller_identity()
    with refused("SignatureDoesNotMatch"):
        server.client("sts", aws_secret_access_key="wrong").get_caller_identity()
    with refused("InvalidAccessKeyId"):
        server.client("s3", aws_access_key_id="AKIANOBODYNOBODYNOBO").list_buckets()
    with refused("SignatureDoesNotMatch"):
        server.client("s3", aws_secret_access_key="wrong").list_buckets()


def test_without_a_signature_nothing_is_served(server):
    target = {"X-Amz-Target": TARGET + "ListTrails", "Content-Type": AWS_JSON}
    assert is_refused(send(server, body=b"{}", headers=target), "MissingAuthenticationTokenException")
    assert is_refused(send(server, body=b"{}", headers={**target, "Authorization": "Basic cm9vdDpyb290"}), "MissingAuthenticationTokenException")
    for header in ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA512 Credential=a/20260101/us-east-1/cloudtrail/aws4_request"]:
        assert is_refused(send(server, body=b"{}", headers={**target, "Authorization": header}), "IncompleteSignatureException")
    for path in ["/v1/events", "/v1/import", "/v1/lookup", "/v1/tokens"]:
        assert is_refused(send(server, path=path, body=b"{}", headers={"Content-Type": "application/json"}), "MissingAuthenticationTokenException")
    assert is_refused(send(server, "GET", "/v1/tail"), "MissingAuthenticationTokenException")


@pytest.mark.parametrize("minutes, code", [(-4, None), (4, None), (-6, "Signature expired"), (6, "Signature not yet current"), (-60 * 24, "Signature expired")])
def test_clocks_may_differ_by_five_minutes(server, minutes, code):
    with clock_off_by(minutes=minutes):
        answer = call(server, "ListTrails")
    if code:
        assert code in is_refused(answer, "InvalidSignatureException")
    else:
        assert answer.status == 200, answer


def test_whatever_was_changed_after_signing_is_noticed(server):
    body = b'{"Name":"audit"}'
    target = {"Content-Type": AWS_JSON, "X-Amz-Target": TARGET + "GetTrail"}
    headers = signed(server, body=body, headers=target)
    assert send(server, body=body, headers=headers).code == "TrailNotFoundException"
    is_refused(send(server, body=b'{"Name":"other"}', headers=headers), "InvalidSignatureException")
    is_refused(send(server, body=body, headers={**headers, "X-Amz-Target": TARGET + "DeleteTrail"}), "InvalidSignatureException")
    is_refused(send(server, path="/?x=1", body=body, headers=headers), "InvalidSignatureException")
    is_refused(send(server, "PUT", body=body, headers=headers), "InvalidSignatureException")
    is_refused(send(server, body=body, headers={**headers, "X-Amz-New": "x"}), "InvalidSignatureException")
    is_refused(send(server, body=body, headers={**headers, "Host": "elsewhere:1"}), "InvalidSignatureException")
    region = headers["Authorization"].replace("/us-east-1/", "/eu-west-1/")
    is_refused(send(server, body=body, headers={**headers, "Authorization": region}), "InvalidSignatureException")
    # What decides must be signed, not only right.
    unsigned = headers["Authorization"].replace(";x-amz-target", "")
    is_refused(send(server, body=body, headers={**headers, "Authorization": unsigned}), "InvalidSignatureException")
    path = "/v1/events?route=history"
    headers = signed(server, path=path, body=b"", headers={"Content-Type": NDJSON})
    is_refused(send(server, path="/v1/events?route=trails", headers=headers), "InvalidSignatureException")


def test_an_unsigned_payload_is_for_buckets_only(server):
    headers = {"Content-Type": AWS_JSON, "X-Amz-Target": TARGET + "ListTrails", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    is_refused(send(server, body=b"{}", headers=signed(server, body=b"{}", headers=headers)), "InvalidSignatureException")


def test_a_signature_counts_for_the_service_it_names(server):
    for service in ["sts", "s3", "cloudtrail-data", "ec2"]:
        is_refused(call(server, "ListTrails", service=service), "InvalidSignatureException")
    is_refused(post_events(server, [record()], service="s3"), "InvalidSignatureException")
    is_refused(send(server, path="/v1/tokens", body=b"{}", headers=signed(server, path="/v1/tokens", body=b"{}", service="sts")), "InvalidSignatureException")


def test_the_region_is_the_one_signed_for(server):
    for region in ["eu-west-1", "sa-east-1", "my-own-region"]:
        with refused("TrailNotFoundException"):
            server.client("cloudtrail", region).get_trail(Name="audit")
        arn = f"arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/audit"
        assert arn in call(server, "GetTrailStatus", {"Name": "audit"}, region=region).json["message"]


def test_a_presigned_call_says_who_signed_it_until_it_ends(server):
    path = presigned(server, "/?Action=GetCallerIdentity&Version=2011-06-15", "sts")
    answer = send(server, "GET", path)
    assert answer.status == 200 and f"<Account>{ACCOUNT}</Account>".encode() in answer.body, answer
    is_refused(send(server, "GET", path.replace("GetCallerIdentity", "GetSessionToken")), "SignatureDoesNotMatch")
    is_refused(send(server, "POST", path), "SignatureDoesNotMatch")
    is_refused(send(server, "GET", path.replace("X-Amz-Expires=60", "X-Amz-Expires=61")), "SignatureDoesNotMatch")
    with clock_off_by(seconds=-90):
        late = presigned(server, "/?Action=GetCallerIdentity&Version=2011-06-15", "sts")
    assert b"expired" in send(server, "GET", late).body
    for expires in [0, 604801]:
        answer = send(server, "GET", presigned(server, "/?Action=GetCallerIdentity&Version=2011-06-15", "sts", expires=expires))
        is_refused(answer, "IncompleteSignature")


# --- bearer tokens ---


@pytest.fixture(scope="module")
def tokens(server):
    return {kind: make_token(server, f"--{kind}") for kind in ["ingest", "read", "metrics"]}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_printed_alone_and_does_what_its_kind_may(server, tokens):
    assert all(token.startswith("tk_") and "\n" not in token for token in tokens.values())
    kept(post_events(server, [record()], tokens["ingest"]), 1)
    for kind in ["read", "metrics"]:
        assert "ingest" in is_refused(post_events(server, [record()], tokens[kind]), "AccessDeniedException")


def test_a_token_opens_nothing_else(server, tokens):
    target = {"X-Amz-Target": TARGET + "ListTrails", "Content-Type": AWS_JSON}
    for token in tokens.values():
        is_refused(send(server, body=b"{}", headers={**target, **bearer(token)}), "MissingAuthenticationTokenException")
        for path in ["/v1/lookup", "/v1/tokens"]:
            is_refused(send(server, path=path, body=b"{}", headers=bearer(token)), "MissingAuthenticationTokenException")
        is_refused(send(server, "GET", "/v1/tail", headers=bearer(token)), "MissingAuthenticationTokenException")
        assert send(server, "GET", "/", headers=bearer(token)).status == 403


@pytest.mark.parametrize("token", ["tk_" + "A" * 40, "", "x", "tk_", "a" * 10_000])
def test_a_token_that_was_never_made_is_refused(server, token):
    headers = {"Content-Type": NDJSON, "Authorization": f"Bearer {token}".encode()}
    answer = send(server, path="/v1/events", body=json.dumps(record()).encode(), headers=headers)
    assert answer.status == 403 and answer.code in ("UnrecognizedClientException", "MissingAuthenticationTokenException"), answer


def test_tokens_are_made_by_roots_for_what_is_theirs(server):
    ask = lambda body, keys=None: send(
        server, path="/v1/tokens", body=body, headers=signed(server, path="/v1/tokens", body=body, keys=keys)
    )
    made = ask(json.dumps({"kind": "ingest", "account": OTHER}).encode())
    assert made.status == 200 and made.json["account"] == OTHER
    assert ask(b'{"kind":"ingest"}', OTHER_KEYS).json["account"] == OTHER
    is_refused(ask(json.dumps({"kind": "ingest", "account": ACCOUNT}).encode(), OTHER_KEYS), "AccessDeniedException")
    is_refused(ask(b'{"kind":"ingest","adopt":true}', OTHER_KEYS), "AccessDeniedException")
    for wrong in [b"", b"{}", b'{"kind":"root"}', b'{"kind":"read","adopt":true}', b'{"kind":"ingest","account":"1"}', b'{"kind":"ingest","x":1}', b'{"kind":"ingest","account":"333333333333"}']:
        is_refused(ask(wrong), "MalformedRequest", 400)


def test_tokens_survive_a_restart_and_are_kept_as_a_hash_only(make_server):
    server = make_server()
    token = make_token(server, "--ingest")
    assert server.stop() == 0
    server.start()
    kept(post_events(server, [record()], token), 1)
    everything = b"".join(path.read_bytes() for path in Path(server.data).rglob("*") if path.is_file())
    assert token.encode() not in everything and root_keys(server)[0].encode() in everything


def test_metrics_and_health_are_open_on_loopback(server, tokens):
    assert b"trailkeep_http_requests_total" in send(server, "GET", "/metrics").body
    assert (send(server, "GET", "/healthz").body, send(server, "GET", "/healthz/ready").status) == (b"live\n", 200)
    for method in ["POST", "PUT", "DELETE"]:
        assert send(server, method, "/healthz").status in (200, 405)


# --- keys ---


def test_the_keys_come_from_the_variables_and_are_written_to_the_private_file(make_server):
    given = {"TRAILKEEP_ACCESS_KEY_ID": "AKIAGIVENGIVENGIVEN1", "TRAILKEEP_SECRET_ACCESS_KEY": "given/secret+40"}
    server = make_server(environment=given)
    assert root_keys(server) == tuple(given.values())
    assert stat.S_IMODE(Path(server.credentials).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(server.data).stat().st_mode) == 0o700
    assert server.aws("sts", "get-caller-identity")["Account"] == ACCOUNT
    # Without the variables the file is what counts; with others, those.
    server.stop()
    server.environment = {}
    server.start()
    assert call(server, "ListTrails", keys=tuple(given.values())).status == 200
    server.stop()
    server.environment = {**given, "TRAILKEEP_SECRET_ACCESS_KEY": "another"}
    server.start()
    assert root_keys(server)[1] == "another"
    is_refused(call(server, "ListTrails", keys=tuple(given.values())), "InvalidSignatureException")


def test_keys_are_made_once_and_kept(make_server):
    server = make_server()
    keys = root_keys(server)
    assert keys[0].startswith("AKIA") and len(keys[0]) == 20 and len(keys[1]) == 40
    assert Path(server.credentials).read_text().startswith("[default]\n")
    server.kill()
    server.start()
    assert root_keys(server) == keys
    assert root_keys(make_server()) != keys


@pytest.mark.parametrize("given, told", [
    ({"TRAILKEEP_ACCESS_KEY_ID": OTHER_KEYS[0], "TRAILKEEP_SECRET_ACCESS_KEY": "x"}, f"access key {OTHER_KEYS[0]} is that of the roots of"),
    ({"TRAILKEEP_ACCESS_KEY_ID": "with/slash", "TRAILKEEP_SECRET_ACCESS_KEY": "x"}, "access_key_id"),
    ({"TRAILKEEP_ACCESS_KEY_ID": "key", "TRAILKEEP_SECRET_ACCESS_KEY": "two\nlines"}, "secret_access_key"),
    ({"TRAILKEEP_ACCESS_KEY_ID": "key"}, "secret-access-key"),
])
def test_keys_that_cannot_work_are_refused_at_start(tmp_path, given, told):
    (tmp_path / "trailkeep.toml").write_text(CONFIG)
    command = [PROGRAM, "serve", "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--config", str(tmp_path / "trailkeep.toml")]
    done = subprocess.run(command, env={"PATH": "/usr/bin", **given}, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2, 3) and told in done.stderr and not done.stdout, done
    assert "two\nlines" not in done.stderr, "a secret is not told"


# --- who answers ---


def test_reserved_paths_come_first_then_the_target_then_the_signature(server):
    target = {"X-Amz-Target": TARGET + "ListTrails"}
    assert send(server, "GET", "/healthz", headers=signed(server, "GET", "/healthz", headers=target)).body == b"live\n"
    for path in ["/console/", "/v1/nothing"]:
        assert send(server, "GET", path, headers=signed(server, "GET", path, service="s3")).status == 404
    # A target beats the service of the signature; a signature for S3 with a target is refused as CloudTrail would.
    assert send(server, body=b"{}", headers=signed(server, body=b"{}", headers=target, service="s3")).headers["Content-Type"] == AWS_JSON
    listed = send(server, "GET", "/", headers=signed(server, "GET", "/", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, service="s3"))
    assert listed.status == 200 and b"ListAllMyBucketsResult" in listed.body
    assert is_refused(send(server, body=b"{}", headers=signed(server, body=b"{}")), "UnknownOperationException", 400)
    for service in ["organizations", "iam"]:
        assert service in is_refused(send(server, body=b"", headers=signed(server, service=service)), "UnsupportedOperationException", 400)
    data = send(server, path="/PutAuditEvents?channelArn=x", body=b"{}", headers=signed(server, path="/PutAuditEvents?channelArn=x", body=b"{}", service="cloudtrail-data"))
    assert data.headers["x-amzn-errortype"] == "ValidationException"


@pytest.mark.parametrize("path", ["/", "/some-bucket/key", "/?Action=GetCallerIdentity"])
def test_nobody_gets_403(server, path):
    for method in ["GET", "POST", "PUT", "DELETE", "HEAD"]:
        assert send(server, method, path).status == 403
    ec2 = send(server, "GET", path, headers=signed(server, "GET", path, service="ec2"))
    assert ec2.status == 403


@pytest.mark.parametrize("target", ["ListTrails", "CloudTrail_20131101.NoSuchOperation", "DynamoDB_20120810.ListTrails", "", "x" * 5_000, TARGET + "PutAuditEvents"])
def test_an_unknown_target_is_told(server, target):
    is_refused(call(server, "", headers={"X-Amz-Target": target}), "UnknownOperationException", 400)


def test_the_short_target_is_understood(server):
    assert call(server, "", headers={"X-Amz-Target": "CloudTrail_20131101.ListTrails"}).json == {"Trails": []}


# --- bodies ---


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"{} {}", b'{"a":1,"a":2}', b"\xff\xfe", b'{"Name":1}', b'{"Name":["a"]}', b"{" + b'"a":{' * 200, b'{"MaxResults":1e999}'])
def test_a_body_that_is_no_input_is_a_serialization_error(server, body):
    is_refused(call(server, "GetTrail", body), "SerializationException", 400)


def test_an_empty_body_is_an_empty_input(server):
    assert call(server, "ListTrails", b"").status == 200


def test_a_body_over_the_limit_is_413_and_the_server_goes_on(server):
    assert call(server, "ListTrails", b" " * (32 << 20)).status == 413
    large = send(server, path="/v1/tokens", body=b" " * (1 << 20), headers=signed(server, path="/v1/tokens", body=b" " * (1 << 20)))
    assert large.status == 413
    assert send(server, path="/?Action=x", body=b" " * (1 << 20), headers=signed(server, path="/?Action=x", body=b" " * (1 << 20), service="sts")).status == 413
    assert call(server, "ListTrails").status == 200
