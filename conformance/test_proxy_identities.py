"""Who a record of the proxy names: keys that are mapped, roles that were assumed through it, nobody, and who cannot be
known; and from where, when other proxies stand before it."""

import json
import re
import socket
import struct

import pytest
import requests
from botocore import UNSIGNED

from proxy_setup import ACCOUNT, ARN, HIDDEN, KEY, SECRET, USER, Moto, Recorder, client, watch
from proxy_upstreams import Scripted, answer
from wire import root_keys

OTHER = "210987654321"
PLAIN = {"type": "IAMUser", "arn": ARN, "accountId": ACCOUNT, "accessKeyId": KEY, "userName": USER}
# What else `identities` may say of a key: another account, a role that machines have for good, an account's root.
MORE = f"""
[[identity]]
access_key_id = "AKIAPROXYEXAMPLE0002"
arn = "arn:aws:iam::{OTHER}:user/teams/frank"
account = "{OTHER}"
user_name = "frank"

[[identity]]
access_key_id = "AKIAPROXYEXAMPLE0003"
arn = "arn:aws:iam::{ACCOUNT}:root"
account = "{ACCOUNT}"
"""
IDENTITIES = f"""
[[identity]]
access_key_id = "{KEY}"
arn = "{ARN}"
account = "{ACCOUNT}"
user_name = "{USER}"
{MORE}"""


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def server(moto, tmp_path_factory):
    proxies = {"aws": {"upstream": moto.url, "trusted_proxies": ["127.0.0.1/32"]}, "untrusting": moto.url}
    server = Recorder(tmp_path_factory.mktemp("trailkeep"), proxies, identities=IDENTITIES).start().keep_everything()
    yield server
    server.kill()


def record_of(server, call):
    """Makes a call with a client that is watched, and waits for its record."""
    boto, operation, parameters = call
    exchanges = watch(boto)
    answer = getattr(boto, operation)(**parameters)
    id = exchanges[-1].request_id
    return answer, server.await_ids([id])[id][1]


def assume(server, name, keys=(KEY, SECRET), token=None, **more):
    """Assumes a role through the proxy: its keys, the answer and the record."""
    sts = client("sts", server.proxy("aws"), "us-east-1", keys, token)
    answer, record = record_of(server, (sts, "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleSessionName": f"{name}-session", **more}))
    given = answer["Credentials"]
    return (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"], answer, record


def whoami(server, keys, token=None):
    """The identity that a record names for calls with these keys."""
    _, record = record_of(server, (client("sns", server.proxy("aws"), "us-east-1", keys, token), "list_topics", {}))
    return record["userIdentity"], record


def without_principal(identity):
    return {name: value for name, value in identity.items() if name != "principalId"}


def is_session(identity, keys, answer, name):
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert identity["type"] == "AssumedRole" and "userName" not in identity, identity
    assert identity["arn"] == answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}-session"
    assert identity["principalId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert (identity["accountId"], identity["accessKeyId"]) == (ACCOUNT, keys[0])
    context = identity["sessionContext"]
    issuer = context["sessionIssuer"]
    assert (issuer["type"], issuer["arn"], issuer["accountId"], issuer["userName"]) == ("Role", role, ACCOUNT, name), issuer
    assert issuer.get("principalId") in (None, answer["AssumedRoleUser"]["AssumedRoleId"].partition(":")[0]), issuer
    assert context["attributes"]["mfaAuthenticated"] == "false" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", context["attributes"]["creationDate"]), context


# --- keys that are known ---


def test_a_mapped_key_is_its_user(server):
    identity, record = whoami(server, (KEY, SECRET))
    assert without_principal(identity) == PLAIN and record["recipientAccountId"] == ACCOUNT


def test_a_mapped_key_of_another_account_is_that_accounts_user(server):
    identity, _ = whoami(server, ("AKIAPROXYEXAMPLE0002", "secret"))
    assert (identity["type"], identity["arn"], identity["accountId"], identity["userName"]) == ("IAMUser", f"arn:aws:iam::{OTHER}:user/teams/frank", OTHER, "frank")


def test_a_mapped_root_is_root(server):
    identity, _ = whoami(server, ("AKIAPROXYEXAMPLE0003", "secret"))
    assert (identity["type"], identity["arn"], identity["accountId"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), identity


def test_trailkeeps_own_principals_are_known_by_themselves(server):
    identity, _ = whoami(server, root_keys(server))
    assert (identity["type"], identity["arn"], identity["accountId"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), identity
    assert identity["accessKeyId"] == root_keys(server)[0]


# --- roles ---


def test_calls_with_an_assumed_roles_keys_name_role_session_and_who_stands_behind(server):
    tags = [{"Key": "team", "Value": "audit"}]
    keys, token, answer, record = assume(server, "reader", SourceIdentity="erin@example.com", Tags=tags, TransitiveTagKeys=["team"])
    assert without_principal(record["userIdentity"]) == PLAIN
    parameters = record["requestParameters"]
    assert parameters["roleArn"].endswith(":role/reader") and parameters["sourceIdentity"] == "erin@example.com" and parameters["tags"] == [{"key": "team", "value": "audit"}]
    told = record["responseElements"]
    assert told["credentials"]["accessKeyId"] == keys[0] and told["assumedRoleUser"]["arn"] == answer["AssumedRoleUser"]["Arn"]
    text = json.dumps(record)
    assert keys[1] not in text and token not in text
    assert told["credentials"].get("sessionToken", HIDDEN) == HIDDEN and told["credentials"].get("secretAccessKey", HIDDEN) == HIDDEN
    identity, record = whoami(server, keys, token)
    is_session(identity, keys, answer, "reader")
    assert identity["sessionContext"]["sourceIdentity"] == "erin@example.com"
    assert token not in json.dumps(record)


def test_a_chain_of_three_roles_leads_back_to_the_first(server):
    chain, keys, token = [], (KEY, SECRET), None
    for name in ("one", "two", "three"):
        more = {"SourceIdentity": "erin@example.com"} if name == "one" else {}
        keys, token, answer, record = assume(server, name, keys, token, **more)
        chain.append((keys, token, answer, record))
    assert without_principal(chain[0][3]["userIdentity"]) == PLAIN
    for (keys, _, answer, _), (_, _, _, record), name in zip(chain, chain[1:], ("one", "two")):
        is_session(record["userIdentity"], keys, answer, name)
        assert record["userIdentity"]["sessionContext"]["sourceIdentity"] == "erin@example.com", "it goes along the chain"
    keys, token, answer, _ = chain[2]
    identity, _ = whoami(server, keys, token)
    is_session(identity, keys, answer, "three")
    assert identity["sessionContext"]["sourceIdentity"] == "erin@example.com"


def test_a_session_token_is_still_its_user(server):
    sts = client("sts", server.proxy("aws"), "us-east-1")
    answer, record = record_of(server, (sts, "get_session_token", {"DurationSeconds": 900}))
    given = answer["Credentials"]
    assert given["SecretAccessKey"] not in json.dumps(record) and given["SessionToken"] not in json.dumps(record)
    identity, _ = whoami(server, (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
    assert (identity["type"], identity["arn"], identity["userName"], identity["accessKeyId"]) == ("IAMUser", ARN, USER, given["AccessKeyId"])
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_a_federated_user_is_named(server):
    sts = client("sts", server.proxy("aws"), "us-east-1")
    answer, _ = record_of(server, (sts, "get_federation_token", {"Name": "guest", "DurationSeconds": 900}))
    given = answer["Credentials"]
    identity, _ = whoami(server, (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
    assert (identity["type"], identity["arn"]) == ("FederatedUser", answer["FederatedUser"]["Arn"]), identity
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", USER)


def test_a_role_taken_on_somebody_elses_word_is_known_too(server):
    sts = client("sts", server.proxy("aws"), "us-east-1")
    token = "eyJhbGciOiJub25lIn0.web-identity-token-is-secret.sig"
    answer, record = record_of(server, (sts, "assume_role_with_web_identity", {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/federated", "RoleSessionName": "federated-session", "WebIdentityToken": token, "ProviderId": "www.example.com",
    }))
    text = json.dumps(record)
    assert record["eventName"] == "AssumeRoleWithWebIdentity" and token not in text and answer["Credentials"]["SessionToken"] not in text
    assert record["userIdentity"]["type"] in ("WebIdentityUser", "Unknown", "AWSAccount") and "arn" not in record["userIdentity"], record["userIdentity"]
    given = answer["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"])
    identity, _ = whoami(server, keys, given["SessionToken"])
    is_session(identity, keys, answer, "federated")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_forgets_no_session(server, end):
    name = f"lasting-{end}"
    keys, token, answer, _ = assume(server, name, SourceIdentity="erin@example.com")
    getattr(server, end)()
    server.start()
    identity, _ = whoami(server, keys, token)
    is_session(identity, keys, answer, name)
    assert identity["sessionContext"]["sourceIdentity"] == "erin@example.com"


CREDENTIALS = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIANEVERGIVEN000001</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2036-11-30T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/admin/x</Arn>
<AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"""


def test_only_sts_that_agrees_teaches_whose_a_key_is(server, tmp_path):
    """Neither an answer that refuses, nor an object whose content looks like an answer of STS."""
    upstream = Scripted(lambda request, connection: answer(200 if request.method == "GET" else 403, CREDENTIALS, id="NEVERGIVEN"))
    lying = Recorder(tmp_path / "lying", {"aws": upstream.url}, identities=IDENTITIES).start().keep_everything()
    try:
        sts = client("sts", lying.proxy("aws"), "us-east-1")
        with pytest.raises(sts.exceptions.ClientError):
            sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/admin", RoleSessionName="session")
        assert client("s3", lying.proxy("aws"), "us-east-1").get_object(Bucket="content", Key="k")["Body"].read() == CREDENTIALS
        taught = client("s3", lying.proxy("aws"), "us-east-1", ("ASIANEVERGIVEN000001", "s"), "t")
        taught.get_object(Bucket="content", Key="other")
        records = lying.await_records(2, eventName="GetObject")
        [record] = [record for record in records if record["requestParameters"]["key"] == "other"]
        assert is_unknown(record["userIdentity"], "ASIANEVERGIVEN000001")
    finally:
        lying.kill()
        upstream.stop()


# --- nobody ---


def is_unknown(identity, key):
    """Nothing is said that is not known: the key, and no name."""
    assert identity["accessKeyId"] == key and "arn" not in identity and "userName" not in identity and "sessionContext" not in identity, identity
    assert identity["type"] in ("Unknown", "AWSAccount"), identity
    return True


def test_a_key_that_nobody_knows_is_recorded_as_such(server):
    identity, record = whoami(server, ("AKIANOBODYKNOWS00001", "secret"))
    assert is_unknown(identity, "AKIANOBODYKNOWS00001")
    assert record["recipientAccountId"] == ACCOUNT


def test_a_call_without_a_signature_is_anonymous(server):
    boto = client("s3", server.proxy("aws"), "us-east-1")
    boto.create_bucket(Bucket="open-to-all", ACL="public-read")
    boto.put_object(Bucket="open-to-all", Key="k", Body=b"x", ACL="public-read")
    anonymous = client("s3", server.proxy("aws"), "us-east-1", signature_version=UNSIGNED)
    _, record = record_of(server, (anonymous, "get_object", {"Bucket": "open-to-all", "Key": "k"}))
    identity = record["userIdentity"]
    assert "arn" not in identity and "userName" not in identity and "accessKeyId" not in identity, identity
    assert identity["type"] in ("AWSAccount", "Unknown") and identity.get("accountId") in (None, "ANONYMOUS_PRINCIPAL"), identity


# --- from where ---


def source_of(server, name, headers):
    answer = requests.get(f"{server.proxy(name)}/no-such-bucket-here/k", headers=headers, timeout=30)
    id = answer.headers["x-amzn-requestid"]
    return server.await_ids([id])[id][1]["sourceIPAddress"]


@pytest.mark.parametrize("forwarded, source", [
    ("203.0.113.9", "203.0.113.9"),
    ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ("203.0.113.9, 127.0.0.1", "203.0.113.9"),
    ("2001:db8::7", "2001:db8::7"),
    ("nonsense", "127.0.0.1"),
    ("", "127.0.0.1"),
])
def test_a_trusted_proxy_tells_where_a_call_comes_from(server, forwarded, source):
    assert source_of(server, "aws", {"X-Forwarded-For": forwarded}) == source


def test_anybody_else_is_not_believed(server):
    assert source_of(server, "untrusting", {"X-Forwarded-For": "203.0.113.9"}) == "127.0.0.1"


def over_proxy_protocol(server, name, preamble):
    """A call behind a line of the PROXY protocol; what came back."""
    request = b"GET /no-such-bucket-here/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.ports[name]), timeout=30) as connection:
        connection.sendall(preamble + request)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


V1 = b"PROXY TCP4 203.0.113.77 127.0.0.1 40000 443\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack("!H", 12) + socket.inet_aton("203.0.113.77") + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 40000, 443)


@pytest.mark.parametrize("preamble", [V1, V2], ids=["v1", "v2"])
def test_the_proxy_protocol_is_believed_of_trusted_proxies_alone(server, preamble):
    received = over_proxy_protocol(server, "aws", preamble)
    id = re.search(rb"(?im)^x-amzn-requestid: *(\S+)", received)[1].decode()
    assert server.await_ids([id])[id][1]["sourceIPAddress"] == "203.0.113.77"
    received = over_proxy_protocol(server, "untrusting", preamble)
    assert not received.startswith(b"HTTP/1.1 2") and b"x-amzn-requestid" not in received.lower(), received
