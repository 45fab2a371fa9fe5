"""What `aws cloudtrail verify-query-results` checks, written down once more: that command is in AWS CLI version 2 alone,
which is not on PyPI. And the same for the manifest that Trailkeep puts beside AWS's file."""

import base64
import datetime
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


class Invalid(Exception):
    """The results are not what was delivered."""


def public_key(cloudtrail, time, fingerprint):
    """As the CLI looks for it: valid at the query's end, on the first page."""
    start = datetime.datetime.fromisoformat(time)
    found = cloudtrail.list_public_keys(StartTime=start, EndTime=start + datetime.timedelta(days=20))["PublicKeyList"]
    values = [key["Value"] for key in found if key["Fingerprint"] == fingerprint]
    if not values:
        raise Invalid(f"No public keys found for key with fingerprint: {fingerprint}")
    value = values[0]
    return load_der_public_key(base64.b64decode(value) if isinstance(value, str) else value)


def check_files(document, fetch):
    if not document["files"]:
        raise Invalid("No export file was found in sign file.")
    for file in document["files"]:
        if hashlib.sha256(fetch(file["fileName"])).hexdigest() != file["fileHashValue"]:
            raise Invalid(f"File {file['fileName']} has inconsistent hash value")


def check_signature(cloudtrail, document, signature, text):
    key = public_key(cloudtrail, document["queryCompleteTime"], document["publicKeyFingerprint"])
    try:
        key.verify(bytes.fromhex(signature), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError) as error:
        raise Invalid("Invalid signature in sign file") from error


def verify_query_results(cloudtrail, fetch):
    """`fetch(name)` gives the bytes of a delivered file."""
    document = json.loads(fetch("result_sign.json"))
    check_files(document, fetch)
    check_signature(cloudtrail, document, document["hashSignature"], " ".join(f["fileHashValue"] for f in document["files"]))
    return document


def verify_manifest(cloudtrail, fetch):
    document = json.loads(fetch("trailkeep_manifest.json"))
    check_files(document, fetch)
    lines = [
        document["version"], document["region"], document["queryId"],
        hashlib.sha256(document["queryStatement"].encode()).hexdigest(), " ".join(document["eventDataStores"]),
        str(document["rows"]), document["queryStartTime"], document["queryCompleteTime"],
        *(f"{file['fileHashValue']} {file['fileName']}" for file in document["files"]),
    ]
    check_signature(cloudtrail, document, document["signature"], "\n".join(lines))
    return document
