"""Where log files go: buckets of other servers, buckets that forbid, disks that are full."""

import gzip
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from conftest import eventually
from test_delivery import ACCOUNT, FAST, delivered, event, ingest_token, log_files, make_trail, post


@pytest.fixture(scope="module")
def moto():
    """moto's S3, as the S3 of somebody else."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    process = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(answers, 60)
    yield url
    process.kill()


def moto_s3(url):
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="elsewhere", aws_secret_access_key="elsewhere"
    )


def test_log_files_and_digests_go_to_a_bucket_of_another_server(make_server, moto):
    s3 = moto_s3(moto)
    s3.create_bucket(Bucket="elsewhere")
    server = make_server(
        *FAST, "--s3-endpoint", moto, "--s3-region", "us-east-1",
        environment={"AWS_ACCESS_KEY_ID": "elsewhere", "AWS_SECRET_ACCESS_KEY": "elsewhere", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    )
    server.aws(
        "cloudtrail", "create-trail", "--name", "out", "--s3-bucket-name", "elsewhere", "--s3-key-prefix", "logs",
        "--is-multi-region-trail", "--enable-log-file-validation",
    )
    server.aws("cloudtrail", "start-logging", "--name", "out")

    def listed(folder):
        prefix = f"logs/AWSLogs/{ACCOUNT}/{folder}/us-east-1/"
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket="elsewhere", Prefix=prefix).get("Contents", [])]

    key = eventually(lambda: listed("CloudTrail"))[0]
    found = s3.get_object(Bucket="elsewhere", Key=key)
    assert (found["ContentType"], found["ContentEncoding"]) == ("application/json", "gzip")
    assert json.loads(gzip.decompress(found["Body"].read()))["Records"]
    key = eventually(lambda: listed("CloudTrail-Digest"))[0]
    metadata = s3.head_object(Bucket="elsewhere", Key=key)["Metadata"]
    assert metadata["signature-algorithm"] == "SHA256withRSA" and len(metadata["signature"]) == 512


def test_a_bucket_that_is_nowhere_is_refused(make_server, moto):
    server = make_server("--s3-endpoint", moto, "--s3-region", "us-east-1",
                         environment={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    done = server.aws("cloudtrail", "create-trail", "--name", "out", "--s3-bucket-name", "no-such-bucket-here", check=False)
    assert "S3BucketDoesNotExistException" in done.stderr and "S3 bucket no-such-bucket-here does not exist!" in done.stderr


def policy_for(bucket):
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "AWSCloudTrailAclCheck20150319", "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl",
         "Resource": f"arn:aws:s3:::{bucket}", "Condition": {"StringEquals": source}},
        {"Sid": "AWSCloudTrailWrite20150319", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
         "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}/*",
         "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **source}}},
    ]})


def test_under_strict_aws_the_bucket_policy_decides_and_what_it_forbids_is_delivered_later(make_server):
    server = make_server(*FAST, "--strict-aws")
    server.aws("s3", "mb", "s3://audit-logs")
    create = ["cloudtrail", "create-trail", "--name", "audit", "--s3-bucket-name", "audit-logs", "--is-multi-region-trail"]
    done = server.aws(*create, check=False)
    assert "InsufficientS3BucketPolicyException" in done.stderr
    assert "Incorrect S3 bucket policy is detected for bucket: audit-logs" in done.stderr
    server.aws("s3api", "put-bucket-policy", "--bucket", "audit-logs", "--policy", policy_for("audit-logs"))
    server.aws(*create)
    server.aws("cloudtrail", "start-logging", "--name", "audit")
    eventually(lambda: log_files(server))
    server.aws("s3api", "delete-bucket-policy", "--bucket", "audit-logs")
    status = lambda: server.aws("cloudtrail", "get-trail-status", "--name", "audit")
    eventually(lambda: status().get("LatestDeliveryError") == "AccessDenied")
    assert status()["IsLogging"] is True
    token = ingest_token(server)
    assert post(server, [event(1, "us-east-1")], token)["accepted"] == 1
    server.aws("s3api", "put-bucket-policy", "--bucket", "audit-logs", "--policy", policy_for("audit-logs"))
    eventually(lambda: event(1)["eventID"] in delivered(server), 90)
    eventually(lambda: "LatestDeliveryError" not in status())


def test_two_accounts_do_not_see_each_other(make_server):
    config = '[[account]]\nid = "210987654321"\nname = "other"\naccess_key_id = "AKIAOTHER"\nsecret_access_key = "other-secret"\n'
    server = make_server(*FAST, config=config)
    other = dict(aws_access_key_id="AKIAOTHER", aws_secret_access_key="other-secret")
    make_trail(server)
    server.client("s3", **other).create_bucket(Bucket="others-logs")
    theirs = server.client("cloudtrail", **other)
    assert theirs.describe_trails()["trailList"] == []
    theirs.create_trail(Name="audit", S3BucketName="others-logs", IsMultiRegionTrail=True)
    theirs.start_logging(Name="audit")
    eventually(lambda: theirs.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "StartLogging"}])["Events"])
    names = [found["EventName"] for found in theirs.lookup_events()["Events"]]
    assert names.count("CreateTrail") == 1 and names.count("CreateBucket") == 1
    s3 = server.client("s3", **other)

    def logged():
        pages = s3.list_objects_v2(Bucket="others-logs").get("Contents", [])
        return [entry["Key"] for entry in pages if entry["Key"].endswith(".json.gz")]

    key = eventually(logged)[0]
    assert key.startswith("AWSLogs/210987654321/CloudTrail/")
    records = json.loads(gzip.decompress(s3.get_object(Bucket="others-logs", Key=key)["Body"].read()))["Records"]
    assert {record["recipientAccountId"] for record in records} == {"210987654321"}
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="audit-logs")
