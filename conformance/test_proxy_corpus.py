"""Records of the proxy beside real ones of AWS: for calls that the corpus has and moto can answer, the same members at the
top, and the same spelling of parameters. What is left out on purpose is listed here, with the reason."""

import collections
import gzip
import json
import re

import pytest

from proxy_calls import DYNAMODB, EC2, IAM, KMS, LAMBDA, STS
from proxy_record import Made
from proxy_s3_calls import CALLS as S3
from proxy_setup import DATA_TYPES, Moto, Recorder, client, watch

# Members that real records have and ours need not, each with its reason.
OPTIONAL = {
    "tlsDetails": "the scenario speaks plain HTTP",
    "sharedEventID": "the call concerns one account",
    "vpcEndpointId": "there is no VPC endpoint",
    "vpcEndpointAccountId": "there is no VPC endpoint",
    "sessionCredentialFromConsole": "the caller is no console",
    "errorCode": "the real call was refused",
    "errorMessage": "the real call was refused",
    "apiVersion": "AWS writes it for some services and at some times",
    "serviceEventDetails": "the event is a service's own",
    "invokedBy": "no service called",
    "resources": "compared by the table of resources, not by a call",
    "additionalEventData": "what services add besides is theirs",
    "addendum": "the event was late",
    "eventContext": "written by event data stores that ask for it",
}
# Members that ours have and real ones lack: records of earlier versions are shorter (event-record.md, section 1).
LATER = {"managementEvent", "eventCategory", "readOnly", "requestID", "eventType", "recipientAccountId", "apiVersion", "resources", "additionalEventData"}
NEW = ("1.08", "1.09", "1.10", "1.11")
# Calls whose resources only the service knows (docs/reference/recording.md, "Differences from AWS").
RESOURCES_UNKNOWN = {("kms.amazonaws.com", "Decrypt")}
REGION = "us-east-1"


@pytest.fixture(scope="module")
def real(corpus):
    """Records of the corpus by eventSource and eventName."""
    found = collections.defaultdict(list)
    for file in sorted((corpus / "events").glob("*.ndjson.gz")):
        with gzip.open(file, "rt") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if isinstance(record, dict) and record.get("eventType", "AwsApiCall") == "AwsApiCall" and record.get("eventVersion", "").startswith("1."):
                    found[record.get("eventSource"), record.get("eventName")].append(record)
    return found


@pytest.fixture(scope="module")
def ours(corpus, tmp_path_factory):
    """Records of calls made through the proxy, by the same."""
    folder = tmp_path_factory.mktemp("corpus")
    moto = Moto(folder)
    server = Recorder(folder / "trailkeep", {"aws": moto.url}).start().keep_everything(DATA_TYPES)
    clients, exchanges, seen, made = {}, {}, {}, []
    try:
        for call in [*IAM, *STS, *EC2, *DYNAMODB, *LAMBDA, *KMS, *S3]:
            if call.service not in clients:
                clients[call.service] = client(call.service, server.proxy("aws"), REGION if call.service == "s3" else "eu-west-1")
                exchanges[call.service] = watch(clients[call.service])
            made.append(Made(call, clients[call.service], seen, exchanges[call.service]))
        made = [one for one in made if not one.refused]
        records = server.await_ids({one.exchange.request_id: f"{one.call.service} {one.call.operation}" for one in made})
    finally:
        server.kill()
        moto.stop()
    found = collections.defaultdict(list)
    for one in made:
        record = records[one.exchange.request_id][1]
        found[record["eventSource"], record["eventName"]].append(record)
    return found


def is_whole(record):
    """Whether it is a record of a real call: hand-made ones and those that were cut down say little of AWS's spelling."""
    return isinstance(record.get("requestParameters", 0), (dict, type(None))) and "errorCode" not in record


def spellings(value, path=""):
    """The names of members, with where they stand; list items are one place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from spellings(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from spellings(inner, f"{path}[]")


def common(real, ours):
    both = sorted(set(real) & set(ours))
    assert len(both) >= 60, f"only {len(both)} operations are in both"
    return both


def test_the_members_at_the_top_are_those_of_real_records(real, ours):
    different = []
    for operation in common(real, ours):
        theirs = [record for record in real[operation] if is_whole(record) and record["eventVersion"] in NEW]
        if not theirs:
            continue
        always = set.intersection(*(set(record) for record in theirs)) - set(OPTIONAL)
        ever = set.union(*(set(record) for record in theirs)) | LATER
        for record in ours[operation]:
            if missing := always - set(record):
                different.append(f"{operation}: no {sorted(missing)}")
            if more := set(record) - ever:
                different.append(f"{operation}: {sorted(more)} is in no real record")
    assert not different, "\n".join(sorted(set(different)))


# Names that only differ by letters' size or plural are one parameter in two spellings: there the real one is right.
def folded(path):
    return re.sub(r"[^a-z.]", "", path.lower()).rstrip("s")


# Parameters that are spelt by the values of the call: keys of maps.
FREE = re.compile(r"\.(tags|encryptionContext|variables|expressionAttributeNames)\.|\.(AccessControlPolicy|bucketPolicy)\.")


def test_parameters_are_spelt_as_in_real_records(real, ours):
    different = []
    for operation in common(real, ours):
        theirs = [record for record in real[operation] if is_whole(record)]
        # Some services spelt otherwise in their first years: S3 `host` with a list.
        theirs = [record for record in theirs if record["eventVersion"] in NEW]
        known = {path for record in theirs for path in spellings(record.get("requestParameters"))}
        by_fold = collections.defaultdict(set)
        for path in known:
            by_fold[folded(path)].add(path)
        for record in ours[operation]:
            for path in spellings(record.get("requestParameters")):
                if not FREE.search(path) and path not in known and by_fold.get(folded(path)):
                    different.append(f"{operation}: {path}, and not {sorted(by_fold[folded(path)])}")
    assert not different, "\n".join(sorted(set(different)))


def test_what_real_records_leave_out_is_left_out(real, ours):
    """`null` where AWS writes `null`: responseElements of reads, and of changes that return nothing."""
    different = []
    for operation in common(real, ours):
        theirs = [record for record in real[operation] if is_whole(record) and "responseElements" in record]
        if len(theirs) >= 3 and all(record["responseElements"] is None for record in theirs):
            different += [f"{operation}: {record['responseElements']}" for record in ours[operation] if record["responseElements"] is not None]
    assert not different, "\n".join(sorted(set(different)))


def test_reads_are_reads_and_changes_are_changes(real, ours):
    different = []
    for operation in common(real, ours):
        theirs = {record["readOnly"] for record in real[operation] if is_whole(record) and isinstance(record.get("readOnly"), bool)}
        for record in ours[operation]:
            if theirs and record["readOnly"] not in theirs:
                different.append(f"{operation}: readOnly is {record['readOnly']}")
    assert not different, "\n".join(sorted(set(different)))


def test_resources_have_the_members_of_real_ones(real, ours):
    different = []
    for operation in common(real, ours):
        theirs = [{resource.get("type") for resource in record["resources"]} for record in real[operation] if is_whole(record) and record.get("resources")]
        # What every real record of the call names, ours name too.
        if len(theirs) >= 3 and operation not in RESOURCES_UNKNOWN:
            always = set.intersection(*theirs) - {None}
            for record in ours[operation]:
                told = {resource.get("type") for resource in record.get("resources") or []}
                if always - told:
                    different.append(f"{operation}: no resource of type {sorted(always - told)}")
    assert not different, "\n".join(sorted(set(different)))
