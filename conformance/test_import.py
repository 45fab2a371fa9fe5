"""`trailkeep import`: existing log files from folders and buckets, once each, whatever happens in between."""

import contextlib
import gzip
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import PROGRAM, eventually
from wire import root_keys

FINE, WRONG, INCONCLUSIVE, USAGE = 0, 1, 2, 3
CORPUS_FILES, CORPUS_EVENTS = 56, 2902


def start(server, state, *arguments):
    """An import whose notes lie in `state`."""
    variables = {**server.variables(), "XDG_STATE_HOME": str(state)}
    command = [PROGRAM, "import", *map(str, arguments)]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(server, state, *arguments):
    process = start(server, state, *arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def summary(server, state, *arguments, code=FINE):
    """The summary of an import that ends with `code`."""
    ended, out, err = run(server, state, *arguments, "--output", "json")
    assert ended == code, (ended, out, err)
    return json.loads(out)


def record(n, **members):
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "dana"},
        "eventTime": "2026-03-02T09:14:09Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "DeleteRole",
        "awsRegion": "us-east-1",
        "eventID": f"{n:08x}-0000-4000-8000-000000000000",
        "recipientAccountId": "123456789012",
        **members,
    }


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"Records": records}).encode()
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)


def found(server, *filters):
    done = server.trailkeep("lookup", *filters, "--limit", "0", "--output", "json")
    assert done.returncode == FINE, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def wait_for_notes(state):
    """Until an import has noted finished files."""
    eventually(lambda: any(note.stat().st_size > 32 for note in state.glob("trailkeep/imports/*")))


def test_delivered_log_files_import_cleanly_and_only_once(make_server, corpus, tmp_path):
    server = make_server()
    first = summary(server, tmp_path, corpus / "logfiles")
    assert first["files"]["read"] == CORPUS_FILES and first["damaged"] == [] and first["complete"]
    assert first["events"] == {"new": CORPUS_EVENTS, "duplicates": 0, "conflicts": 0, "expired": 0, "rejected": {}}

    again = summary(server, tmp_path, corpus / "logfiles")
    assert again["files"]["doneBefore"] == CORPUS_FILES and again["files"]["read"] == 0 and again["events"]["duplicates"] == 0

    anew = summary(server, tmp_path, corpus / "logfiles", "--no-resume")
    assert anew["files"]["read"] == CORPUS_FILES
    assert anew["events"]["new"] == 0 and anew["events"]["duplicates"] == CORPUS_EVENTS


def test_records_come_out_with_the_bytes_that_went_in(server, corpus, tmp_path):
    summary(server, tmp_path, corpus / "logfiles")
    stored = {}
    for path in (corpus / "logfiles/invictus").rglob("*.json.gz"):
        text = gzip.decompress(path.read_bytes()).decode()
        decoder, at = json.JSONDecoder(), text.index("[") + 1
        while text[at] != "]":
            parsed, end = decoder.raw_decode(text, at)
            stored[parsed["eventID"]] = text[at:end]
            at = end + (text[end] == ",")
    eventually(lambda: len(found(server, "--user", "benjamin")) > 100)
    done = server.trailkeep("lookup", "--user", "benjamin", "--limit", "0", "--output", "json")
    lines = done.stdout.splitlines()
    assert all(stored[json.loads(line)["eventID"]] == line for line in lines)
    assert len(lines) == sum(json.loads(text)["userIdentity"].get("userName") == "benjamin" for text in stored.values())


def test_late_and_changed_files_are_found(server, tmp_path):
    folder = tmp_path / "logs"
    write(folder / "2026/03/02/a.json.gz", [record(0x100)])
    assert summary(server, tmp_path, folder)["events"]["new"] == 1
    write(folder / "2026/03/01/late.json.gz", [record(0x101)])
    write(folder / "2026/03/02/a.json.gz", [record(0x100), record(0x102)])
    later = summary(server, tmp_path, folder)
    assert (later["files"]["read"], later["events"]["new"], later["events"]["duplicates"]) == (2, 2, 1)


def test_every_file_is_read_or_named_or_counted(server, tmp_path):
    folder = tmp_path / "logs"
    logs = folder / "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02"
    write(logs / "good.json.gz", [record(0x200)])
    write(logs / "plain.json", [record(0x201)])
    (logs / "lines.ndjson").write_text("".join(json.dumps(record(n)) + "\n" for n in (0x202, 0x203)))
    write(logs / "partly.json.gz", [record(0x204), record(0x205, eventTime="soon"), {"eventName": "Lonely"}])
    whole = (logs / "good.json.gz").read_bytes()
    (logs / "torn.json.gz").write_bytes(whole[:-12])
    (logs / "empty.json.gz").write_bytes(b"")
    (logs / "page.json").write_text("<html>")
    write(folder / "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/d.json.gz", [])
    write(folder / "AWSLogs/123456789012/Config/us-east-1/c.json.gz", [])
    (folder / "README.txt").write_text("notes")
    (folder / "circle").symlink_to(".")

    told = summary(server, tmp_path, folder, code=WRONG)
    assert told["files"]["read"] == 4 and told["events"]["new"] == 5
    assert told["files"]["skipped"] == {"digest": 1, "otherService": 1, "otherName": 1, "notAFile": 1}
    assert sorted((os.path.basename(file["file"]), file["code"]) for file in told["damaged"]) == [
        ("empty.json.gz", "Empty"),
        ("page.json", "InvalidJson"),
        ("torn.json.gz", "TruncatedGzip"),
    ]
    assert told["events"]["rejected"] == {"InvalidField": 1, "MissingField": 1}
    [partly] = told["rejected"]
    assert partly["file"].endswith("partly.json.gz") and partly["records"] == 2 and partly["first"]["index"] == 1

    # What was wrong stays wrong until it is mended; the rest is not sent again.
    code, out, err = run(server, tmp_path, folder)
    assert code == WRONG and "torn.json.gz: TruncatedGzip" in out and "--no-resume" in out, (out, err)
    (logs / "torn.json.gz").write_bytes(whole)
    (logs / "empty.json.gz").unlink()
    (logs / "page.json").unlink()
    (logs / "partly.json.gz").unlink()
    mended = summary(server, tmp_path, folder)
    assert mended["files"]["doneBefore"] == 3 and mended["files"]["read"] == 1


def test_a_single_file_is_read_whatever_its_name(server, tmp_path):
    write(tmp_path / "records.txt", [record(0x300)])
    assert summary(server, tmp_path, tmp_path / "records.txt")["events"]["new"] == 1
    assert summary(server, tmp_path, tmp_path / "records.txt")["events"]["duplicates"] == 1


def test_a_file_too_large_to_send_is_named(server, tmp_path):
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate((60 << 20) + 1)
    with gzip.open(tmp_path / "bomb.json.gz", "wb") as file:
        for _ in range(65):
            file.write(b" " * (1 << 20))
    told = summary(server, tmp_path, tmp_path, code=WRONG)
    assert [(os.path.basename(file["file"]), file["code"]) for file in told["damaged"]] == [
        ("huge.json", "TooLarge"),
        ("bomb.json.gz", "TooLarge"),
    ]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """12,000 small files, which is three archives."""
    folder = tmp_path_factory.mktemp("many")
    for n in range(12_000):
        write(folder / f"{n // 1000:02}" / f"{n:05}.json", [record(0x10000 + n, eventName="ManyFiles")])
    return folder


def test_a_killed_import_goes_on_where_it_was(make_server, many, tmp_path):
    server = make_server()
    process = start(server, tmp_path, many)
    wait_for_notes(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [notes] = tmp_path.glob("trailkeep/imports/*")
    noted = (notes.stat().st_size - 32) // 16
    told = summary(server, tmp_path, many)
    assert told["files"]["doneBefore"] == noted > 0
    assert told["files"]["doneBefore"] + told["files"]["read"] == 12_000
    eventually(lambda: len({event["eventID"] for event in found(server, "--event-name", "ManyFiles")}) == 12_000)
    assert len(found(server, "--event-name", "ManyFiles")) == 12_000


def test_an_import_survives_a_restart_of_the_server(make_server, many, tmp_path):
    server = make_server()
    process = start(server, tmp_path, many, "--output", "json")
    wait_for_notes(tmp_path)
    server.kill()
    server.start()
    out, err = process.communicate(timeout=120)
    assert process.returncode == FINE, (out, err)
    assert json.loads(out)["files"]["read"] == 12_000
    eventually(lambda: len(found(server, "--event-name", "ManyFiles")) == 12_000)


def test_ctrl_c_ends_an_import_in_order(make_server, many, tmp_path):
    server = make_server()
    process = start(server, tmp_path, many, "--output", "json")
    wait_for_notes(tmp_path)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    told = json.loads(out)
    # It may have been done already.
    if not told["complete"]:
        assert process.returncode == INCONCLUSIVE and "interrupted" in err
    rest = summary(server, tmp_path, many)
    assert rest["files"]["doneBefore"] == told["files"]["read"]
    assert rest["files"]["read"] + rest["files"]["doneBefore"] == 12_000 and rest["events"]["duplicates"] == 0


def test_another_installation_with_an_old_address_and_key_gets_everything(make_server, tmp_path):
    write(tmp_path / "logs/one.json.gz", [record(0x400)])
    server = make_server()
    assert summary(server, tmp_path, tmp_path / "logs")["events"]["new"] == 1
    assert summary(server, tmp_path, tmp_path / "logs")["files"]["doneBefore"] == 1
    server.kill()
    key = Path(server.credentials).read_bytes()
    shutil.rmtree(server.data)
    server.data.mkdir(mode=0o700)
    Path(server.credentials).write_bytes(key)
    server.start()
    assert Path(server.credentials).read_bytes() == key
    assert summary(server, tmp_path, tmp_path / "logs")["events"]["new"] == 1


def test_an_event_data_store_with_an_old_name_gets_everything(make_server, tmp_path):
    write(tmp_path / "logs/one.json.gz", [record(0x401)])
    server = make_server()
    cloudtrail = server.client("cloudtrail")
    for newer_name in ("older-trails", "newer-trails"):
        store = cloudtrail.create_event_data_store(Name="old-trails", TerminationProtectionEnabled=False)
        told = summary(server, tmp_path, tmp_path / "logs", "--event-data-store", "old-trails")
        assert told["files"] == {**told["files"], "read": 1, "doneBefore": 0}
        cloudtrail.update_event_data_store(EventDataStore=store["EventDataStoreArn"], Name=newer_name)


def test_two_imports_of_one_source_do_not_meet(make_server, many, tmp_path):
    server = make_server()
    process = start(server, tmp_path, many)
    wait_for_notes(tmp_path)
    if process.poll() is None:
        code, _, err = run(server, tmp_path, many)
        assert code == USAGE and "another import of this source is under way" in err, err
    process.communicate(timeout=120)


def upload(server, bucket, folder):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=bucket)
    for path in folder.rglob("*.json.gz"):
        s3.put_object(Bucket=bucket, Key=f"copied/{path.relative_to(folder)}", Body=path.read_bytes())
    return s3


def test_a_bucket_is_imported_like_a_folder(make_server, corpus, tmp_path):
    server = make_server()
    s3 = upload(server, "old-trail", corpus / "logfiles")
    digest = "copied/AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/03/02/d.json.gz"
    for key, body in {"copied/": b"", "copied/notes.txt": b"x", digest: b"x", "elsewhere/x.json": b"x"}.items():
        s3.put_object(Bucket="old-trail", Key=key, Body=body)
    source = ["s3://old-trail/copied/", "--source-endpoint-url", server.url]
    first = summary(server, tmp_path, *source)
    assert first["files"]["read"] == CORPUS_FILES and first["events"]["new"] == CORPUS_EVENTS
    assert first["files"]["skipped"] == {"digest": 1, "marker": 1, "otherName": 1}
    assert summary(server, tmp_path, *source)["files"]["doneBefore"] == CORPUS_FILES
    s3.put_object(Bucket="old-trail", Key="copied/late.json", Body=json.dumps({"Records": [record(0x400)]}).encode())
    assert summary(server, tmp_path, *source)["events"]["new"] == 1
    whole = summary(server, tmp_path, "s3://old-trail", "--source-endpoint-url", server.url, code=WRONG)
    assert [file["file"] for file in whole["damaged"]] == ["s3://old-trail/elsewhere/x.json"]


def test_a_listing_of_several_pages_is_read_to_its_end(server, tmp_path):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="many-keys")

    def put(n):
        body = json.dumps(record(0x5000 + n, eventName="Paged")).encode()
        s3.put_object(Bucket="many-keys", Key=f"{n:04}.json", Body=body)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(1_100)))
    told = summary(server, tmp_path, "s3://many-keys", "--source-endpoint-url", server.url)
    assert told["files"]["read"] == 1_100 and told["events"]["new"] == 1_100


def test_the_bucket_is_read_with_the_keys_of_its_own_profile(server, tmp_path):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="foreign")
    s3.put_object(Bucket="foreign", Key="a.json", Body=json.dumps(record(0x600)).encode())
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    credentials = open(server.credentials).read().replace("[default]", "[acme]")
    (home / ".aws/credentials").write_text("[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n" + credentials)
    source = ["s3://foreign", "--source-endpoint-url", server.url, "--output", "json"]
    variables = {**server.variables(), "HOME": str(home), "XDG_STATE_HOME": str(tmp_path)}
    variables.pop("XDG_CONFIG_HOME", None)

    def imported(*flags):
        command = [PROGRAM, "import", *source, *flags]
        return subprocess.run(command, env=variables, capture_output=True, text=True)

    named = imported("--source-profile", "acme")
    assert named.returncode == FINE and json.loads(named.stdout)["files"]["read"] == 1, named.stderr
    wrong = imported("--source-profile", "default")
    assert wrong.returncode == INCONCLUSIVE and "InvalidAccessKeyId" in wrong.stderr, wrong.stderr


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_profile_may_have_its_keys_from_a_program(server, tmp_path):
    write(tmp_path / "logs/a.json.gz", [record(0x680)])
    upload(server, "by-process", tmp_path / "logs")
    answer = dict(zip(["AccessKeyId", "SecretAccessKey"], root_keys(server)), Version=1)
    (tmp_path / "keys.json").write_text(json.dumps(answer))
    profile = f"[profile audit]\nregion = us-east-1\ncredential_process = cat {tmp_path}/keys.json\n"
    (tmp_path / "config").write_text(profile)
    source = ["s3://by-process/copied/", "--source-endpoint-url", server.url, "--source-profile", "audit"]
    variables = {**server.variables(), "XDG_STATE_HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / "config")}
    command = [PROGRAM, "import", *source, "--output", "json"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == FINE and json.loads(done.stdout)["events"]["new"] == 1, done.stderr


def test_who_cannot_be_reached_is_inconclusive(server, tmp_path):
    write(tmp_path / "logs/a.json", [record(0x700)])
    nowhere = f"http://127.0.0.1:{free_port()}"
    code, out, err = run(server, tmp_path, tmp_path / "logs", "--endpoint-url", nowhere)
    assert code == INCONCLUSIVE and "cannot reach" in err and "incomplete" in out, (out, err)
    for source in (
        [tmp_path / "missing"],
        ["s3://no-such-bucket", "--source-endpoint-url", server.url],
        ["s3://any", "--source-endpoint-url", nowhere],
    ):
        code, out, err = run(server, tmp_path, *source)
        assert code == INCONCLUSIVE and "cannot" in err and out == "", (source, out, err)


def test_mistakes_in_the_call_are_usage(server, tmp_path):
    for arguments in (
        [],
        ["a", "b"],
        [tmp_path, "--output", "xml"],
        [tmp_path, "--event-data-store", "two words"],
        [tmp_path, "--source-region", "eu-west-1"],
        ["s3://"],
    ):
        code, out, err = run(server, tmp_path, *arguments)
        assert code == USAGE and out == "" and err, (arguments, out, err)


def test_a_server_that_refuses_is_told_from_one_that_is_away(server, tmp_path):
    write(tmp_path / "logs/a.json", [record(0x800)])
    variables = {**server.variables(), "AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "wrong"}
    command = [PROGRAM, "import", str(tmp_path / "logs"), "--state", str(tmp_path / "state")]
    refused = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert refused.returncode == WRONG and "UnrecognizedClientException" in refused.stderr, refused.stderr


class Moody(BaseHTTPRequestHandler):
    """A server that has no room at first, and takes apart what it is sent with another reader of tars."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        answer = b'{"__type":"ServiceUnavailable","message":"no room"}'
        if self.server.posts in (2, 3):
            self.send_response(503)
            self.send_header("Retry-After", "0")
        else:
            self.send_response(200)
            names = tarfile.open(fileobj=io.BytesIO(body)).getnames()
            self.server.names += names
            answer = b"".join(json.dumps({"file": name, "accepted": 1}).encode() + b"\n" for name in names)
        if destination := self.server.destinations.get(self.server.posts, self.server.destinations[0]):
            self.send_header("Trailkeep-Destination", destination)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def moody(destinations):
    """A moody server that names these destinations, by the number of the request; 0 is for all others."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        server.posts, server.names, server.destinations = 0, [], destinations
        server.arguments = ["--endpoint-url", f"http://127.0.0.1:{server.server_port}"]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_busy_server_is_waited_for(server, tmp_path):
    names = ["a.json", "日本.json", "x" * 180 + "_end.json.gz"]
    for name in names:
        write(tmp_path / "logs" / name, [record(0x880)])
    with moody({0: "a-place"}) as busy:
        told = summary(server, tmp_path, tmp_path / "logs", *busy.arguments)
    assert told["files"]["read"] == 3 and busy.posts == 4
    assert busy.names[:1] == ["a.json"] and busy.names[1].endswith("x_end.json.gz") and busy.names[2] == "日本.json"


def test_an_import_that_would_end_elsewhere_than_it_began_ends(server, tmp_path):
    write(tmp_path / "logs/a.json", [record(0x881)])
    with moody({0: "a-place", 4: "another-place"}) as changed:
        code, out, err = run(server, tmp_path, tmp_path / "logs", *changed.arguments)
        assert code == WRONG and "is another one now" in err and "incomplete" in out, (out, err)
        # Nothing was noted as done.
        assert summary(server, tmp_path, tmp_path / "logs", *changed.arguments)["files"]["read"] == 1


def test_nothing_is_noted_when_the_server_does_not_say_where_records_go(server, tmp_path):
    write(tmp_path / "logs/a.json", [record(0x882)])
    with moody({0: None}) as silent:
        for _ in range(2):
            code, out, err = run(server, tmp_path, tmp_path / "logs", *silent.arguments, "--output", "json")
            assert code == FINE and json.loads(out)["files"]["read"] == 1 and "are not noted" in err, (out, err)


def test_notes_of_another_import_are_refused(server, tmp_path):
    write(tmp_path / "one/a.json", [record(0x900)])
    write(tmp_path / "two/a.json", [record(0x901)])
    notes = ["--state", tmp_path / "notes"]
    assert summary(server, tmp_path, tmp_path / "one", *notes)["state"] == str(tmp_path / "notes")
    assert summary(server, tmp_path, tmp_path / "one", *notes)["files"]["doneBefore"] == 1
    code, _, err = run(server, tmp_path, tmp_path / "two", *notes)
    assert code == USAGE and "belongs to another import" in err, err


def test_imports_reach_trails_only_when_told_to(make_server, tmp_path):
    server = make_server("--trails-delivery-interval", "1s")
    s3, cloudtrail = server.client("s3"), server.client("cloudtrail")
    s3.create_bucket(Bucket="audit")
    cloudtrail.create_trail(Name="main", S3BucketName="audit")
    cloudtrail.start_logging(Name="main")

    def delivered(name):
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="audit", Prefix="AWSLogs/").get("Contents", [])]
        logs = [s3.get_object(Bucket="audit", Key=key)["Body"].read() for key in keys if key.endswith(".json.gz")]
        records = [record for log in logs for record in json.loads(gzip.decompress(log))["Records"]]
        return [record for record in records if record["eventName"] == name]

    write(tmp_path / "quiet/a.json", [record(0xA00, eventName="Quiet")])
    write(tmp_path / "loud/a.json", [record(0xA01, eventName="Loud")])
    summary(server, tmp_path, tmp_path / "quiet")
    summary(server, tmp_path, tmp_path / "loud", "--into-trails")
    assert eventually(lambda: delivered("Loud")) == [record(0xA01, eventName="Loud")]
    assert delivered("Quiet") == []
