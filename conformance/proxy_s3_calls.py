"""Every operation of S3 that boto3 has, in an order in which each finds what it needs, with the name and the nature that
CloudTrail gives it. A flat table. What an upstream does not have it refuses, and that is recorded too."""

from proxy_calls import Call

BUCKET = "walked"
OTHER = "walked-logs"
CONTENT = "walked-content-8128"
LOCKED = "walked-locked"
# Operations that no S3 at an endpoint of one's own is asked for: they have host names of their own, or other services call them.
ELSEWHERE = {"WriteGetObjectResponse", "ListDirectoryBuckets", "CreateSession", "SelectObjectContent", "RenameObject", "GetObjectTorrent"}
# Deletions of parts of a bucket of which Ceph's gateway overlooks what is to be deleted: it deletes the bucket.
OVERLOOKED_BY_CEPH = {
    "DeleteBucketAnalyticsConfiguration", "DeleteBucketEncryption", "DeleteBucketIntelligentTieringConfiguration",
    "DeleteBucketInventoryConfiguration", "DeleteBucketMetadataConfiguration", "DeleteBucketMetadataTableConfiguration",
    "DeleteBucketMetricsConfiguration", "DeleteBucketOwnershipControls",
}
ANY_ERROR = ...

OBJECT = ("AWS::S3::Object",)
GRANTEE = {"Type": "CanonicalUser", "ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"}
ACL = {"Owner": {"ID": GRANTEE["ID"]}, "Grants": [{"Grantee": GRANTEE, "Permission": "FULL_CONTROL"}]}
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::walked/*"}]}'
DESTINATION = {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{OTHER}", "Format": "CSV"}}
REPLICATION = {"Role": "arn:aws:iam::123456789012:role/replica", "Rules": [{"ID": "r", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
               "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{OTHER}"}}]}
METADATA_TABLE = {"S3TablesDestination": {"TableBucketArn": "arn:aws:s3tables:us-east-1:123456789012:bucket/tables", "TableName": "t"}}
JOURNAL = {"JournalTableConfiguration": {"RecordExpiration": {"Expiration": "DISABLED"}}}


def bucket(operation, parameters=None, name=None, request=None, on=BUCKET, **more):
    """A call about a bucket: a management event."""
    return Call("s3", operation, {"Bucket": on, **(parameters or {})}, name=name, error=ANY_ERROR, request_has={"bucketName": on, **(request or {})}, response=False, **more)


def data(operation, parameters, name=None, request=None, **more):
    """A call about an object, or that lists some: a data event."""
    def given(seen):
        return {"Bucket": BUCKET, **(parameters(seen) if callable(parameters) else parameters)}

    def has(seen):
        key = given(seen).get("Key")
        return {"bucketName": BUCKET, **({"key": key} if key else {}), **((request(seen) if callable(request) else request) or {})}

    return Call("s3", operation, given, name=name, data=True, error=ANY_ERROR, request_has=has, response=False, **more)


CALLS = [
    Call("s3", "CreateBucket", {"Bucket": BUCKET}, error=ANY_ERROR, request_has={"bucketName": BUCKET}, response=False),
    Call("s3", "CreateBucket", {"Bucket": OTHER}, error=ANY_ERROR, request_has={"bucketName": OTHER}, response=False),
    Call("s3", "CreateBucket", {"Bucket": LOCKED, "ObjectLockEnabledForBucket": True}, error=ANY_ERROR, request_has={"bucketName": LOCKED, "x-amz-bucket-object-lock-enabled": "true"}, response=False),
    Call("s3", "ListBuckets", {}, error=ANY_ERROR, request_has={}, response=False),
    data("HeadBucket", {}, reads=True),
    bucket("GetBucketLocation", request={"location": ""}),
    bucket("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}, request={"versioning": "", "VersioningConfiguration": {"Status": "Enabled"}}),
    bucket("GetBucketVersioning", request={"versioning": ""}),
    bucket("PutBucketAcl", {"ACL": "private"}, request={"acl": "", "x-amz-acl": "private"}),
    bucket("GetBucketAcl", request={"acl": ""}),
    bucket("PutBucketPolicy", {"Policy": POLICY}, request={"policy": "", "bucketPolicy": {"Version": "2012-10-17"}}),
    bucket("GetBucketPolicy", request={"policy": ""}),
    bucket("GetBucketPolicyStatus", request={"policyStatus": ""}),
    bucket("DeleteBucketPolicy", request={"policy": ""}),
    bucket("PutBucketTagging", {"Tagging": {"TagSet": [{"Key": "team", "Value": "audit"}]}}, request={"tagging": "", "Tagging": {"TagSet": {"Tag": {"Key": "team", "Value": "audit"}}}}),
    bucket("GetBucketTagging", request={"tagging": ""}),
    bucket("DeleteBucketTagging", request={"tagging": ""}),
    bucket("PutBucketCors", {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}]}}, request={"cors": ""}),
    bucket("GetBucketCors", request={"cors": ""}),
    bucket("DeleteBucketCors", request={"cors": ""}),
    bucket("PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}, request={"encryption": ""}),
    bucket("GetBucketEncryption", request={"encryption": ""}),
    bucket("DeleteBucketEncryption", request={"encryption": ""}),
    bucket("PutBucketLifecycle", {"LifecycleConfiguration": {"Rules": [{"ID": "old", "Prefix": "tmp/", "Status": "Enabled", "Expiration": {"Days": 1}}]}}, request={"lifecycle": ""}),
    bucket("GetBucketLifecycle", request={"lifecycle": ""}),
    bucket("PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": [{"ID": "old", "Filter": {"Prefix": "tmp/"}, "Status": "Enabled", "Expiration": {"Days": 1}}]}},
           name="PutBucketLifecycle", request={"lifecycle": ""}),
    bucket("GetBucketLifecycleConfiguration", name="GetBucketLifecycle", request={"lifecycle": ""}),
    bucket("DeleteBucketLifecycle", request={"lifecycle": ""}),
    bucket("PutBucketLogging", {"BucketLoggingStatus": {}}, request={"logging": ""}),
    bucket("GetBucketLogging", request={"logging": ""}),
    bucket("PutBucketNotification", {"NotificationConfiguration": {}}, request={"notification": ""}),
    bucket("GetBucketNotification", request={"notification": ""}),
    bucket("PutBucketNotificationConfiguration", {"NotificationConfiguration": {}}, name="PutBucketNotification", request={"notification": ""}),
    bucket("GetBucketNotificationConfiguration", name="GetBucketNotification", request={"notification": ""}),
    bucket("PutBucketOwnershipControls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}, request={"ownershipControls": ""}),
    bucket("GetBucketOwnershipControls", request={"ownershipControls": ""}),
    bucket("DeleteBucketOwnershipControls", request={"ownershipControls": ""}),
    bucket("PutPublicAccessBlock", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, name="PutBucketPublicAccessBlock", request={"publicAccessBlock": ""}),
    bucket("GetPublicAccessBlock", name="GetBucketPublicAccessBlock", request={"publicAccessBlock": ""}),
    bucket("DeletePublicAccessBlock", name="DeleteBucketPublicAccessBlock", request={"publicAccessBlock": ""}),
    bucket("PutBucketAccelerateConfiguration", {"AccelerateConfiguration": {"Status": "Enabled"}}, name="PutAccelerateConfiguration", request={"accelerate": ""}),
    bucket("GetBucketAccelerateConfiguration", name="GetAccelerateConfiguration", request={"accelerate": ""}),
    bucket("PutBucketRequestPayment", {"RequestPaymentConfiguration": {"Payer": "BucketOwner"}}, request={"requestPayment": ""}),
    bucket("GetBucketRequestPayment", request={"requestPayment": ""}),
    bucket("PutBucketWebsite", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}}, request={"website": ""}),
    bucket("GetBucketWebsite", request={"website": ""}),
    bucket("DeleteBucketWebsite", request={"website": ""}),
    bucket("PutBucketReplication", {"ReplicationConfiguration": REPLICATION}, request={"replication": ""}),
    bucket("GetBucketReplication", request={"replication": ""}),
    bucket("DeleteBucketReplication", request={"replication": ""}),
    bucket("PutBucketAbac", {"AbacStatus": {"Status": "Disabled"}}, request={"abac": ""}),
    bucket("GetBucketAbac", request={"abac": ""}),
    bucket("PutObjectLockConfiguration", {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}, name="PutBucketObjectLockConfiguration", request={"object-lock": ""}, on=LOCKED),
    bucket("GetObjectLockConfiguration", name="GetBucketObjectLockConfiguration", request={"object-lock": ""}, on=LOCKED),
    data("PutObject", {"Key": "a/one c+ü.txt", "Body": CONTENT.encode(), "ContentType": "text/plain", "Metadata": {"team": "audit"}}, resources=OBJECT),
    data("GetObject", {"Key": "a/one c+ü.txt"}, resources=OBJECT),
    data("HeadObject", {"Key": "a/one c+ü.txt"}, resources=OBJECT),
    data("GetObject", {"Key": "a/one c+ü.txt", "Range": "bytes=2-5"}, resources=OBJECT),
    data("GetObjectAttributes", {"Key": "a/one c+ü.txt", "ObjectAttributes": ["ETag", "ObjectSize"]}, request={"attributes": ""}, resources=OBJECT),
    data("PutObjectAcl", {"Key": "a/one c+ü.txt", "ACL": "private"}, request={"acl": "", "x-amz-acl": "private"}),
    data("GetObjectAcl", {"Key": "a/one c+ü.txt"}, request={"acl": ""}),
    data("PutObjectTagging", {"Key": "a/one c+ü.txt", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}, request={"tagging": ""}),
    data("GetObjectTagging", {"Key": "a/one c+ü.txt"}, request={"tagging": ""}),
    data("DeleteObjectTagging", {"Key": "a/one c+ü.txt"}, request={"tagging": ""}),
    data("PutObjectLegalHold", {"Key": "a/one c+ü.txt", "LegalHold": {"Status": "OFF"}}, name="PutObjectLockLegalHold", request={"legal-hold": ""}),
    data("GetObjectLegalHold", {"Key": "a/one c+ü.txt"}, name="GetObjectLockLegalHold", request={"legal-hold": ""}),
    data("PutObjectRetention", {"Key": "a/one c+ü.txt", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2026-12-31T00:00:00Z"}}, name="PutObjectLockRetention", request={"retention": ""}),
    data("GetObjectRetention", {"Key": "a/one c+ü.txt"}, name="GetObjectLockRetention", request={"retention": ""}),
    data("RestoreObject", {"Key": "a/one c+ü.txt", "RestoreRequest": {"Days": 1}}, request={"restore": ""}),
    data("CopyObject", {"Key": "copy", "CopySource": {"Bucket": BUCKET, "Key": "a/one c+ü.txt"}}, resources=OBJECT),
    data("ListObjects", {"Prefix": "a/"}, request={"prefix": "a/"}),
    data("ListObjectsV2", {"Prefix": "a/", "MaxKeys": 7}, name="ListObjects", request={"list-type": "2", "prefix": "a/", "max-keys": "7"}),
    data("ListObjectVersions", {}, request={"versions": ""}),
    data("CreateMultipartUpload", {"Key": "large"}, request={"uploads": ""}, keep={"upload": "UploadId"}, resources=OBJECT),
    data("UploadPart", lambda s: {"Key": "large", "UploadId": s["upload"], "PartNumber": 1, "Body": CONTENT.encode()},
         request=lambda s: {"uploadId": s["upload"], "partNumber": "1"}, keep={"part": "ETag"}, resources=OBJECT),
    data("UploadPartCopy", lambda s: {"Key": "large", "UploadId": s["upload"], "PartNumber": 2, "CopySource": {"Bucket": BUCKET, "Key": "copy"}}, request=lambda s: {"uploadId": s["upload"], "partNumber": "2"}),
    data("ListMultipartUploads", {}, request={"uploads": ""}),
    data("ListParts", lambda s: {"Key": "large", "UploadId": s["upload"]}, request=lambda s: {"uploadId": s["upload"]}),
    data("CompleteMultipartUpload", lambda s: {"Key": "large", "UploadId": s["upload"], "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": s["part"]}]}}, request=lambda s: {"uploadId": s["upload"]}, resources=OBJECT),
    data("CreateMultipartUpload", {"Key": "left"}, keep={"left": "UploadId"}),
    data("AbortMultipartUpload", lambda s: {"Key": "left", "UploadId": s["left"]}, request=lambda s: {"uploadId": s["left"]}),
    data("GetObject", {"Key": "nowhere"}),
    data("DeleteObject", {"Key": "copy"}, resources=OBJECT),
    data("DeleteObjects", {"Delete": {"Objects": [{"Key": "a/one c+ü.txt"}, {"Key": "large"}]}}, request={"delete": ""}),
    # Upstreams that do not know these take some of them for others, and delete what they find: they come last.
    data("PutObject", {"Key": "noted", "Body": b"x"}),
    data("UpdateObjectEncryption", {"Key": "noted", "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"}}}, request={"encryption": ""}),
    data("PutObjectAnnotation", {"Key": "noted", "AnnotationName": "note", "AnnotationPayload": CONTENT.encode()}, request={"annotation": ""}),
    data("GetObjectAnnotation", {"Key": "noted", "AnnotationName": "note"}, request={"annotation": ""}),
    data("ListObjectAnnotations", {"Key": "noted"}),
    data("DeleteObjectAnnotation", {"Key": "noted", "AnnotationName": "note"}, request={"annotation": ""}),
    bucket("PutBucketAnalyticsConfiguration", {"Id": "a", "AnalyticsConfiguration": {"Id": "a", "StorageClassAnalysis": {}}}, request={"analytics": "", "id": "a"}),
    bucket("GetBucketAnalyticsConfiguration", {"Id": "a"}, request={"analytics": "", "id": "a"}),
    bucket("ListBucketAnalyticsConfigurations", request={"analytics": ""}),
    bucket("DeleteBucketAnalyticsConfiguration", {"Id": "a"}, request={"analytics": "", "id": "a"}),
    bucket("PutBucketInventoryConfiguration", {"Id": "i", "InventoryConfiguration": {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"}, "Destination": DESTINATION}},
           request={"inventory": "", "id": "i"}),
    bucket("GetBucketInventoryConfiguration", {"Id": "i"}, request={"inventory": "", "id": "i"}),
    bucket("ListBucketInventoryConfigurations", request={"inventory": ""}),
    bucket("DeleteBucketInventoryConfiguration", {"Id": "i"}, request={"inventory": "", "id": "i"}),
    bucket("PutBucketMetricsConfiguration", {"Id": "m", "MetricsConfiguration": {"Id": "m"}}, request={"metrics": "", "id": "m"}),
    bucket("GetBucketMetricsConfiguration", {"Id": "m"}, request={"metrics": "", "id": "m"}),
    bucket("ListBucketMetricsConfigurations", request={"metrics": ""}),
    bucket("DeleteBucketMetricsConfiguration", {"Id": "m"}, request={"metrics": "", "id": "m"}),
    bucket("PutBucketIntelligentTieringConfiguration", {"Id": "t", "IntelligentTieringConfiguration": {"Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}},
           request={"intelligent-tiering": "", "id": "t"}),
    bucket("GetBucketIntelligentTieringConfiguration", {"Id": "t"}, request={"intelligent-tiering": "", "id": "t"}),
    bucket("ListBucketIntelligentTieringConfigurations", request={"intelligent-tiering": ""}),
    bucket("DeleteBucketIntelligentTieringConfiguration", {"Id": "t"}, request={"intelligent-tiering": "", "id": "t"}),
    bucket("CreateBucketMetadataTableConfiguration", {"MetadataTableConfiguration": METADATA_TABLE}, request={"metadataTable": ""}),
    bucket("GetBucketMetadataTableConfiguration", request={"metadataTable": ""}),
    bucket("DeleteBucketMetadataTableConfiguration", request={"metadataTable": ""}),
    bucket("CreateBucketMetadataConfiguration", {"MetadataConfiguration": JOURNAL}, request={"metadataConfiguration": ""}),
    bucket("GetBucketMetadataConfiguration", request={"metadataConfiguration": ""}),
    bucket("UpdateBucketMetadataInventoryTableConfiguration", {"InventoryTableConfiguration": {"ConfigurationState": "DISABLED"}}, request={"metadataInventoryTable": ""}),
    bucket("UpdateBucketMetadataJournalTableConfiguration", {"JournalTableConfiguration": {"RecordExpiration": {"Expiration": "DISABLED"}}}, request={"metadataJournalTable": ""}),
    bucket("UpdateBucketMetadataAnnotationTableConfiguration", {"AnnotationTableConfiguration": {"ConfigurationState": "DISABLED"}}, request={"metadataAnnotationTable": ""}),
    bucket("DeleteBucketMetadataConfiguration", request={"metadataConfiguration": ""}),
    bucket("DeleteBucket", on=OTHER),
    Call("s3", "DeleteBucket", {"Bucket": "never-made"}, error=ANY_ERROR, request_has={"bucketName": "never-made"}),
]
