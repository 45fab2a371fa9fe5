#!/usr/bin/env python3
"""Writes botocore_requests.json: requests exactly as botocore signs and sends them.

Run it with botocore installed (`pip install botocore`); nothing is sent. The clock is fixed, so that a second run
changes only the random invocation ids.
"""

import base64
import datetime
import json
import pathlib

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.session

NOW = datetime.datetime(2026, 11, 20, 23, 30, 0, tzinfo=datetime.timezone.utc)
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo=="
UNICODE = "Ünïcødé/日本 語+&=?#%~"
CHANNEL = "arn:aws:cloudtrail:eu-west-1:123456789012:channel/EXAMPLE8-0558-4f7e-a06a-43969EXAMPLE"


class FixedDatetime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)


requests = []


def keep(name, service, method, url, headers, body, token):
    parts = botocore.compat.urlsplit(url)
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in headers.items()}
    headers = {k.lower(): v for k, v in headers.items() if k.lower() != "user-agent"}
    headers.setdefault("host", parts.netloc)
    if isinstance(body, str):
        body = body.encode()
    elif hasattr(body, "read"):
        body = body.read()
    requests.append({
        "name": name,
        "service": service,
        "method": method,
        "uri": parts.path + (f"?{parts.query}" if parts.query else ""),
        "headers": headers,
        "body": base64.b64encode(body or b"").decode(),
        "token": token,
    })


def client(service, token=None, region="eu-west-1", **config):
    session = botocore.session.Session()
    return session.create_client(
        service, region_name=region, aws_access_key_id=KEY[0], aws_secret_access_key=KEY[1], aws_session_token=token,
        endpoint_url="http://127.0.0.1:4750",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, **config),
    )


def call(service, operation, token=None, label="", region="eu-west-1", config=None, **arguments):
    made = client(service, token, region, **(config or {}))
    name = f"{service} {operation} {label}".strip()

    def before_send(request, **_):
        keep(name, service, request.method, request.url, request.headers, request.body, token)
        return botocore.awsrequest.AWSResponse(request.url, 500, {}, None)

    made.meta.events.register("before-send", before_send)
    try:
        getattr(made, operation)(**arguments)
    except Exception:  # The answer is none.
        pass


def presign(service, operation, token=None, label="", config=None, http_method=None, **arguments):
    made = client(service, token, **(config or {}))
    url = made.generate_presigned_url(operation, Params=arguments, ExpiresIn=604800, HttpMethod=http_method)
    keep(f"{service} {operation} presigned {label}".strip(), service, http_method or "GET", url, {}, b"", token)


def main():
    botocore.auth.datetime = type("module", (), {"datetime": FixedDatetime, "timezone": datetime.timezone})
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW

    call("cloudtrail", "list_trails")
    call("cloudtrail", "describe_trails", region="us-east-1", trailNameList=[UNICODE], includeShadowTrails=False)
    call("cloudtrail", "create_trail", token=TOKEN, label="temporary", Name="management", S3BucketName="logs",
         TagsList=[{"Key": UNICODE, "Value": "x"}])
    call("cloudtrail", "lookup_events", MaxResults=50, StartTime=NOW,
         LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ConsoleLogin"}])
    call("cloudtrail-data", "put_audit_events", channelArn=CHANNEL, externalId="a+b=c/@,-.:_",
         auditEvents=[{"id": "1", "eventData": json.dumps({"name": UNICODE})}])
    call("cloudtrail-data", "put_audit_events", token=TOKEN, label="temporary", channelArn=CHANNEL,
         auditEvents=[{"id": "1", "eventData": "{}"}])
    call("sts", "get_caller_identity", region="us-east-1")
    presign("sts", "get_caller_identity", http_method="GET")
    presign("sts", "get_caller_identity", token=TOKEN, label="temporary", http_method="GET")
    presign("sts", "get_caller_identity", label="post", http_method="POST")
    call("iam", "list_users", region="us-east-1", PathPrefix="/division_abc/")
    call("organizations", "describe_organization", region="us-east-1")
    call("lambda", "invoke", FunctionName="arn:aws:lambda:eu-west-1:123456789012:function:näme", Qualifier="a b*~")
    call("lambda", "list_tags", Resource="arn:aws:lambda:eu-west-1:123456789012:function:x")
    call("iot-data", "publish", topic="a//b/../c d/é", qos=1, payload=b"\x00\xff")

    path_style = {"s3": {"addressing_style": "path"}, "signature_version": "s3v4"}
    for label, key in [("plain", "AWSLogs/x.json.gz"), ("unicode", UNICODE), ("odd", "a//b/./../c'd(e)!*;:@$,[]")]:
        call("s3", "get_object", label=label, config=path_style, Bucket="logs", Key=key)
        presign("s3", "get_object", label=label, config=path_style, Bucket="logs", Key=key)
    call("s3", "list_objects_v2", label="prefix", config=path_style, Bucket="logs", Prefix=UNICODE, Delimiter="/")
    call("s3", "put_object", label="metadata", config=path_style, Bucket="logs", Key="k", Body=b"hello",
         Metadata={"signature-algorithm": "SHA256withRSA", "spaced": "a  b   c"})
    call("s3", "get_bucket_policy", token=TOKEN, label="temporary", config=path_style, Bucket="logs")

    document = {"botocore": botocore.__version__, "secret": KEY[1], "now_s": int(NOW.timestamp()), "requests": requests}
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n")
    print(f"{len(requests)} requests")


if __name__ == "__main__":
    main()
