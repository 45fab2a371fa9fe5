-- name: Public bucket policies
-- description: Bucket policies that admit everyone. S3 writes the document under bucketPolicy; policy is empty there.
-- words: s3 bucket policy public principal star everyone open exposed putbucketpolicy anyone world
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucketName, element_at(requestParameters, 'bucketPolicy') AS bucketPolicy, errorCode
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName = 'PutBucketPolicy'
  AND (element_at(requestParameters, 'bucketPolicy') LIKE '%"Principal":"*"%' OR element_at(requestParameters, 'bucketPolicy') LIKE '%"Principal":{"AWS":"*"}%' OR element_at(requestParameters, 'bucketPolicy') LIKE '%"Principal":{"AWS":["*"]}%')
  AND element_at(requestParameters, 'bucketName') = [[?bucket:'example-bucket']]
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Public bucket ACLs
-- description: ACLs that let all users, or all authenticated users, into a bucket or an object.
-- words: s3 bucket acl public allusers authenticatedusers open exposed putbucketacl putobjectacl world
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucketName, element_at(requestParameters, 'x-amz-acl') AS canned_acl, errorCode
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName IN ('PutBucketAcl', 'PutObjectAcl', 'CreateBucket')
  AND (element_at(requestParameters, 'AccessControlPolicy') LIKE '%groups/global/%' OR element_at(requestParameters, 'x-amz-acl') LIKE '%public-%' OR element_at(requestParameters, 'x-amz-acl') LIKE '%authenticated-read%')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Public access blocks removed
-- description: Who took away or loosened the block of public access of a bucket or an account.
-- words: s3 public access block deleted removed disabled loosened blockpublicacls
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucketName, element_at(requestParameters, 'PublicAccessBlockConfiguration') AS configuration, errorCode
FROM $EDS_ID
WHERE eventName IN ('DeleteBucketPublicAccessBlock', 'DeleteAccountPublicAccessBlock', 'PutBucketPublicAccessBlock', 'PutAccountPublicAccessBlock')
  AND (eventName LIKE 'Delete%' OR element_at(requestParameters, 'PublicAccessBlockConfiguration') LIKE '%false%')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: All changes of one bucket
-- description: What was changed about a bucket: policy, ACL, encryption, versioning, logging, deletion.
-- words: s3 bucket changes settings configuration history modified who
SELECT eventTime, eventName, userIdentity.arn, sourceIPAddress, requestParameters, errorCode
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND readOnly = false
  AND element_at(requestParameters, 'bucketName') = [[bucket:'example-bucket']]
  AND eventName NOT IN ('PutObject', 'DeleteObject', 'CopyObject', 'UploadPart', 'CreateMultipartUpload', 'CompleteMultipartUpload')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Deleted buckets
-- description: Which buckets were deleted, by whom.
-- words: s3 bucket deleted removed deletebucket
SELECT eventTime, element_at(requestParameters, 'bucketName') AS bucketName, userIdentity.arn, sourceIPAddress, awsRegion, errorCode
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName = 'DeleteBucket'
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Who read objects of a bucket
-- description: Reads of objects below a prefix, newest first. Needs a store that takes data events.
-- words: s3 getobject read download objects data accessed exports reports who exfiltration
SELECT eventTime, userIdentity.arn, sourceIPAddress, element_at(requestParameters, 'key') AS key, element_at(additionalEventData, 'bytesTransferredOut') AS bytes, errorCode
FROM $EDS_ID
WHERE eventName = 'GetObject'
  AND element_at(requestParameters, 'bucketName') = [[bucket:'example-bucket']]
  AND element_at(requestParameters, 'key') LIKE [[?prefix:'reports/']] || '%'
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Who deleted objects of a bucket
-- description: Deletions of objects, newest first. Needs a store that takes data events.
-- words: s3 deleteobject deleteobjects deleted removed objects data lost ransom
SELECT eventTime, eventName, userIdentity.arn, sourceIPAddress, element_at(requestParameters, 'key') AS key, errorCode
FROM $EDS_ID
WHERE eventName IN ('DeleteObject', 'DeleteObjects')
  AND element_at(requestParameters, 'bucketName') = [[bucket:'example-bucket']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Bytes read by principal
-- description: Who read how much out of S3, by day. Needs a store that takes data events.
-- words: s3 bytes volume download exfiltration transferred out data how much
SELECT date_trunc('day', eventTime) AS day, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucketName, COUNT(*) AS reads, SUM(TRY_CAST(element_at(additionalEventData, 'bytesTransferredOut') AS DOUBLE)) AS bytes
FROM $EDS_ID
WHERE eventName = 'GetObject' AND errorCode IS NULL
  AND [[when:7 days]] [[also]]
GROUP BY date_trunc('day', eventTime), userIdentity.arn, element_at(requestParameters, 'bucketName')
ORDER BY bytes DESC
LIMIT 100

-- name: Most read objects
-- description: The objects that were read most often. Needs a store that takes data events.
-- words: s3 objects popular most accessed top keys getobject
SELECT element_at(requestParameters, 'bucketName') AS bucketName, element_at(requestParameters, 'key') AS key, COUNT(*) AS reads, COUNT(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
WHERE eventName IN ('GetObject', 'HeadObject')
  AND [[when:1 day]] [[also]]
GROUP BY element_at(requestParameters, 'bucketName'), element_at(requestParameters, 'key')
ORDER BY reads DESC
LIMIT 100

-- name: Anonymous access to S3
-- description: Calls without credentials that reached a bucket, and whether they were let in.
-- words: s3 anonymous unauthenticated unsigned public access without credentials
SELECT eventTime, eventName, element_at(requestParameters, 'bucketName') AS bucketName, element_at(requestParameters, 'key') AS key, sourceIPAddress, userAgent, errorCode
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND userIdentity.accountId = 'anonymous'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Bucket protection weakened
-- description: Versioning suspended, encryption or lifecycle changed, logging or replication switched off.
-- words: s3 bucket versioning suspended encryption lifecycle logging replication weakened ransom protection
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'bucketName') AS bucketName, requestParameters, errorCode
FROM $EDS_ID
WHERE eventName IN ('PutBucketVersioning', 'DeleteBucketEncryption', 'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketReplication', 'PutBucketLogging', 'DeleteBucketPolicy', 'PutBucketReplication')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000
