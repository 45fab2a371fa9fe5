"""Local buckets, through boto3, `aws s3` and `aws s3api`."""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"conformance-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


def client_with(server, region="us-east-1", **settings):
    """A client that is not the root's usual one."""
    keys = dict(line.split(" = ") for line in open(server.credentials).read().splitlines() if " = " in line)
    settings = {"config": Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}), **keys, **settings}
    return boto3.client("s3", region_name=region, endpoint_url=server.url, **settings)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    metadata = refused.value.response["ResponseMetadata"]
    assert metadata["RequestId"] and metadata["HostId"], "every answer bears its ids"
    return refused.value.response["Error"]["Code"]


def test_the_cli_moves_files_in_and_out(server, bucket, tmp_path):
    tree = tmp_path / "tree"
    for name in ["a.txt", "sub/b c+ü.txt", "sub/deep/d.txt"]:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    server.aws("s3", "sync", str(tree), f"s3://{bucket}/tree/")
    listed = server.aws("s3", "ls", f"s3://{bucket}/tree/", "--recursive")
    assert len(listed.splitlines()) == 3 and "b c+ü.txt" in listed
    assert "PRE sub/" in server.aws("s3", "ls", f"s3://{bucket}/tree/")
    server.aws("s3", "cp", f"s3://{bucket}/tree/a.txt", f"s3://{bucket}/copy.txt")
    server.aws("s3", "mv", f"s3://{bucket}/copy.txt", f"s3://{bucket}/moved.txt")
    back = tmp_path / "back"
    server.aws("s3", "sync", f"s3://{bucket}/tree/", str(back))
    assert (back / "sub/b c+ü.txt").read_text() == "sub/b c+ü.txt"
    assert not server.aws("s3", "sync", f"s3://{bucket}/tree/", str(back)), "nothing is left to do"
    assert server.aws("s3", "cp", f"s3://{bucket}/moved.txt", "-") == "a.txt"
    assert server.aws("s3", "rb", f"s3://{bucket}", check=False).returncode == 1
    server.aws("s3", "rb", f"s3://{bucket}", "--force")


def test_the_cli_makes_lists_and_removes_buckets(server):
    name = f"conformance-{uuid.uuid4()}"
    server.aws("s3", "mb", f"s3://{name}")
    assert name in server.aws("s3", "ls")
    assert server.aws("s3api", "get-bucket-location", "--bucket", name)["LocationConstraint"] is None
    server.aws("s3api", "head-bucket", "--bucket", name)
    server.aws("s3", "rb", f"s3://{name}")
    assert "404" in server.aws("s3api", "head-bucket", "--bucket", name, check=False).stderr


def test_a_large_file_goes_up_in_parts(server, s3, bucket, tmp_path):
    source = tmp_path / "large"
    source.write_bytes(os.urandom(21 * MIB))
    server.aws("s3", "cp", str(source), f"s3://{bucket}/large")
    target = tmp_path / "back"
    server.aws("s3", "cp", f"s3://{bucket}/large", str(target))
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ETag"].endswith('-3"') and head["ContentLength"] == 21 * MIB

    s3.upload_file(str(source), bucket, "again", Config=TransferConfig(multipart_chunksize=6 * MIB, multipart_threshold=MIB))
    s3.copy({"Bucket": bucket, "Key": "again"}, bucket, "copied", Config=TransferConfig(multipart_threshold=8 * MIB))
    assert s3.head_object(Bucket=bucket, Key="copied")["ContentLength"] == 21 * MIB
    parts = s3.get_object_attributes(Bucket=bucket, Key="again", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert parts["ObjectParts"]["TotalPartsCount"] == 4


def test_uploads_are_listed_and_aborted(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    tag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    assert s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"][0]["ETag"] == tag
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    assert code_of(s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=wrong) == "InvalidPart"
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert code_of(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload) == "NoSuchUpload"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_verified_and_shown(s3, bucket, algorithm):
    try:
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    except Exception as error:  # botocore without awscrt has no CRC32C and CRC64NVME.
        if "crt" in str(error).lower():
            pytest.skip(str(error))
        raise
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] and head["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == b"hello"


def test_a_wrong_digest_is_refused(s3, bucket):
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ContentMD5=md5) == "BadDigest"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ChecksumCRC32="AAAAAA==") == "BadDigest"
    assert code_of(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_ranges_conditions_and_metadata(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789", Metadata={"Signature": "ab"}, ContentType="text/plain")["ETag"]
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert got["Body"].read() == b"234" and got["ContentRange"] == "bytes 2-4/10"
    assert got["Metadata"] == {"signature": "ab"} and got["ContentType"] == "text/plain"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"0"') == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=tag) == "304"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*") == "PreconditionFailed"


def test_listings_page_and_fold(s3, bucket):
    keys = ["a", "b/1", "b/2", "c d", "ü/x"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == keys
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == keys
    folded = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [prefix["Prefix"] for prefix in folded["CommonPrefixes"]] == ["b/", "ü/"]
    assert [item["Key"] for item in folded["Contents"]] == ["a", "c d"]
    assert s3.list_objects(Bucket=bucket, Marker="b/1")["Contents"][0]["Key"] == "b/2"
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(deleted["Deleted"]) == 5


def test_settings_of_a_bucket(server, s3, bucket):
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AWSCloudTrailAclCheck20150319",
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{bucket}",
            }
        ],
    }
    server.aws("s3api", "put-bucket-policy", "--bucket", bucket, "--policy", json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    enable = {"Status": "Enabled"}
    assert code_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=enable) == "NotImplemented"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert code_of(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    assert code_of(s3.create_bucket, Bucket=bucket) == "BucketAlreadyOwnedByYou"


def test_a_presigned_url_does_what_it_says_and_no_more(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    path_style = {"addressing_style": "path"}
    signed = client_with(server, config=Config(signature_version="s3v4", s3=path_style))
    url = signed.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "drop"})

    def put(headers, body=b""):
        request = urllib.request.Request(url, data=body, method="PUT", headers=headers)
        return urllib.request.urlopen(request).status

    with pytest.raises(urllib.error.HTTPError) as refused:
        put({"x-amz-copy-source": f"{bucket}/secret"})
    assert refused.value.code == 403
    assert put({}, b"dropped") == 200
    assert s3.get_object(Bucket=bucket, Key="drop")["Body"].read() == b"dropped"
    old = client_with(server, config=Config(signature_version="s3", s3=path_style))
    assert code_of(old.list_buckets) == "InvalidRequest"


def test_nobody_gets_in_unsigned(server, bucket):
    anonymous = client_with(server, config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}))
    with pytest.raises(ClientError) as refused:
        anonymous.list_objects_v2(Bucket=bucket)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert code_of(client_with(server, aws_session_token="token").list_buckets) == "InvalidToken"
    assert code_of(client_with(server, region="mars-1").list_buckets) == "AuthorizationHeaderMalformed"
    assert code_of(client_with(server, aws_secret_access_key="wrong").list_buckets) == "SignatureDoesNotMatch"
    assert code_of(client_with(server, aws_access_key_id="AKIANOBODY").list_buckets) == "InvalidAccessKeyId"
