-- name: Everything one principal did
-- description: All calls of one user, role session or root, by its ARN, newest first.
-- words: who user role identity arn activity actions events calls investigate history of by
SELECT eventTime, eventSource, eventName, awsRegion, sourceIPAddress, userAgent, errorCode, eventID
FROM $EDS_ID
WHERE userIdentity.arn = [[principal:'arn:aws:iam::111122223333:user/alice']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Everything one IAM user did
-- description: All calls of a user, by its name, newest first.
-- words: who username person activity actions events calls investigate
SELECT eventTime, eventSource, eventName, awsRegion, sourceIPAddress, userAgent, errorCode, eventID
FROM $EDS_ID
WHERE userIdentity.userName = [[user:'alice']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: What one role was used for
-- description: Calls made with sessions of a role, by the role's ARN, in order of time.
-- words: assumed role session issuer activity actions used deploy
SELECT eventTime, eventName, awsRegion, sourceIPAddress, userAgent, requestParameters, errorCode
FROM $EDS_ID
WHERE userIdentity.sessionContext.sessionIssuer.arn = [[role:'arn:aws:iam::111122223333:role/Deploy']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime
LIMIT 1000

-- name: What one role was used for, by role name
-- description: Calls made with sessions of a role, by the role's name, in order of time.
-- words: assumed role session issuer username activity actions used
SELECT eventTime, userIdentity.principalId, eventSource, eventName, awsRegion, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE userIdentity.sessionContext.sessionIssuer.userName = [[rolename:'Deploy']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime
LIMIT 1000

-- name: Everything one access key did
-- description: All calls signed with an access key: the first thing to look at when a key leaked.
-- words: accesskeyid credential leaked compromised stolen key used
SELECT eventTime, eventSource, eventName, awsRegion, sourceIPAddress, userAgent, userIdentity.arn, errorCode
FROM $EDS_ID
WHERE userIdentity.accessKeyId = [[key:'AKIAIOSFODNN7EXAMPLE']]
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Key use by Region
-- description: In which Regions each access key was used, how often, and when first and last.
-- words: access key usage regions where accesskeyid
SELECT userIdentity.accessKeyId, awsRegion, COUNT(*) AS calls, MIN(eventTime) AS first_used, MAX(eventTime) AS last_used
FROM $EDS_ID
WHERE userIdentity.accessKeyId IS NOT NULL
  AND userIdentity.accessKeyId = [[?key:'AKIAIOSFODNN7EXAMPLE']]
  AND [[when:30 days]] [[also]]
GROUP BY userIdentity.accessKeyId, awsRegion
ORDER BY calls DESC
LIMIT 1000

-- name: Access keys used from several addresses
-- description: Keys that were used from many source addresses: shared or stolen ones.
-- words: access key multiple ip source addresses shared stolen leaked
SELECT userIdentity.accessKeyId, arbitrary(userIdentity.arn) AS principal, COUNT(DISTINCT sourceIPAddress) AS addresses, COUNT(*) AS calls
FROM $EDS_ID
WHERE userIdentity.accessKeyId LIKE 'AKIA%'
  AND sourceIPAddress NOT LIKE '%.amazonaws.com'
  AND [[when:7 days]] [[also]]
GROUP BY userIdentity.accessKeyId
HAVING COUNT(DISTINCT sourceIPAddress) > 1
ORDER BY addresses DESC
LIMIT 100

-- name: Everything from one IP address
-- description: All calls from a source address, newest first.
-- words: source ip sourceipaddress host origin from where activity
SELECT eventTime, eventSource, eventName, awsRegion, userIdentity.arn, userAgent, errorCode, eventID
FROM $EDS_ID
WHERE sourceIPAddress = [[ip:'198.51.100.7']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Who called from one IP address
-- description: Principals and access keys seen from a source address, with what they called most.
-- words: source ip principals users keys identities behind address
SELECT userIdentity.arn, userIdentity.accessKeyId, COUNT(*) AS calls, COUNT(DISTINCT eventName) AS different_calls, MIN(eventTime) AS first_seen, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE sourceIPAddress = [[ip:'198.51.100.7']]
  AND [[when:30 days]] [[also]]
GROUP BY userIdentity.arn, userIdentity.accessKeyId
ORDER BY calls DESC
LIMIT 100

-- name: Source addresses of one principal
-- description: From where a principal called, how often, and when first and last.
-- words: ip addresses user location origin where from
SELECT sourceIPAddress, COUNT(*) AS calls, COUNT(DISTINCT eventName) AS different_calls, MIN(eventTime) AS first_seen, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE userIdentity.arn = [[principal:'arn:aws:iam::111122223333:user/alice']]
  AND [[when:30 days]] [[also]]
GROUP BY sourceIPAddress
ORDER BY calls DESC
LIMIT 100

-- name: New principals
-- description: Principals that called within the last week and never before in this event data store.
-- words: first seen new users roles identities never before appeared
SELECT userIdentity.arn, MIN(eventTime) AS first_seen, COUNT(*) AS calls, COUNT(DISTINCT eventName) AS different_calls
FROM $EDS_ID
WHERE userIdentity.arn IS NOT NULL [[also]]
GROUP BY userIdentity.arn
HAVING MIN(eventTime) > date_add('day', -7, current_timestamp)
ORDER BY first_seen DESC
LIMIT 100

-- name: New source addresses
-- description: Addresses that called within the last week and never before in this event data store.
-- words: first seen new ip never before appeared unknown origin
SELECT sourceIPAddress, MIN(eventTime) AS first_seen, COUNT(*) AS calls, COUNT(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
WHERE sourceIPAddress IS NOT NULL AND sourceIPAddress NOT LIKE '%.amazonaws.com' [[also]]
GROUP BY sourceIPAddress
HAVING MIN(eventTime) > date_add('day', -7, current_timestamp)
ORDER BY first_seen DESC
LIMIT 100

-- name: Most active principals
-- description: Who called most often.
-- words: top users busiest active who most calls count
SELECT userIdentity.arn, COUNT(*) AS calls, COUNT(DISTINCT eventName) AS different_calls, COUNT(errorCode) AS errors
FROM $EDS_ID
WHERE [[when:1 day]] [[also]]
GROUP BY userIdentity.arn
ORDER BY calls DESC
LIMIT 25

-- name: Root user activity
-- description: What was done with root credentials, which should be nothing.
-- words: root account use credentials superuser
SELECT eventTime, eventSource, eventName, awsRegion, sourceIPAddress, userAgent, recipientAccountId, errorCode
FROM $EDS_ID
WHERE userIdentity.type = 'Root' AND userIdentity.invokedBy IS NULL
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Calls of other accounts
-- description: Calls made by principals of another account than the one that was called.
-- words: cross account external foreign third party access
SELECT userIdentity.accountId, recipientAccountId, eventSource, eventName, COUNT(*) AS calls, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE userIdentity.accountId <> recipientAccountId
  AND [[when:7 days]] [[also]]
GROUP BY userIdentity.accountId, recipientAccountId, eventSource, eventName
ORDER BY calls DESC
LIMIT 100

-- name: Dormant access keys that woke up
-- description: Keys that were silent for thirty days or more and were then used within the last day.
-- words: dormant idle unused old access key woke again sleeping
WITH gaps AS (
  SELECT userIdentity.accessKeyId AS access_key, eventTime, LAG(eventTime) OVER (PARTITION BY userIdentity.accessKeyId ORDER BY eventTime) AS before
  FROM $EDS_ID
  WHERE userIdentity.accessKeyId LIKE 'AKIA%' [[also]]
)
SELECT access_key, before AS last_used_before, eventTime AS used_again, date_diff('day', before, eventTime) AS silent_days
FROM gaps
WHERE eventTime > date_add('day', -1, current_timestamp) AND date_diff('day', before, eventTime) >= 30
ORDER BY silent_days DESC
LIMIT 100

-- name: Client programs of one principal
-- description: Which programs (user agents) a principal called with: a new one may be somebody else.
-- words: useragent user agent tool program sdk cli client
SELECT userAgent, COUNT(*) AS calls, MIN(eventTime) AS first_seen, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE userIdentity.arn = [[principal:'arn:aws:iam::111122223333:user/alice']]
  AND [[when:30 days]] [[also]]
GROUP BY userAgent
ORDER BY calls DESC
LIMIT 100
