-- name: Around an event
-- description: What happened within thirty minutes before and after an event, by whomever.
-- words: window before after around near time context minutes surrounding event
SELECT a.eventTime, a.eventSource, a.eventName, a.userIdentity.arn, a.sourceIPAddress, a.awsRegion, a.errorCode, a.eventID
FROM $EDS_ID AS a
INNER JOIN $EDS_ID AS e ON a.eventTime BETWEEN e.eventTime - INTERVAL '30' MINUTE AND e.eventTime + INTERVAL '30' MINUTE
WHERE e.eventID = [[event:'11111111-2222-3333-4444-555555555555']]
ORDER BY a.eventTime
LIMIT 1000

-- name: The same principal around an event
-- description: What the principal of an event did within thirty minutes before and after it.
-- words: window before after around role user same principal minutes actions event
SELECT a.eventTime, a.eventSource, a.eventName, a.sourceIPAddress, a.awsRegion, a.requestParameters, a.errorCode, a.eventID
FROM $EDS_ID AS a
INNER JOIN $EDS_ID AS e ON a.userIdentity.arn = e.userIdentity.arn
WHERE e.eventID = [[event:'11111111-2222-3333-4444-555555555555']]
  AND a.eventTime BETWEEN e.eventTime - INTERVAL '30' MINUTE AND e.eventTime + INTERVAL '30' MINUTE
ORDER BY a.eventTime
LIMIT 1000

-- name: The same address around an event
-- description: What else came from the source address of an event within an hour before and after it.
-- words: window before after around ip source address same hour event
SELECT a.eventTime, a.eventSource, a.eventName, a.userIdentity.arn, a.awsRegion, a.errorCode, a.eventID
FROM $EDS_ID AS a
INNER JOIN $EDS_ID AS e ON a.sourceIPAddress = e.sourceIPAddress
WHERE e.eventID = [[event:'11111111-2222-3333-4444-555555555555']]
  AND a.eventTime BETWEEN e.eventTime - INTERVAL '1' HOUR AND e.eventTime + INTERVAL '1' HOUR
ORDER BY a.eventTime
LIMIT 1000

-- name: A role around an action
-- description: All calls with sessions of a role within thirty minutes of each call of one action: what went with it.
-- words: role session window around action within minutes of calls
SELECT t.eventTime AS marked_time, t.eventName AS marked_call, a.eventTime, a.eventName, a.sourceIPAddress, a.errorCode
FROM $EDS_ID AS t
INNER JOIN $EDS_ID AS a ON a.userIdentity.sessionContext.sessionIssuer.arn = t.userIdentity.sessionContext.sessionIssuer.arn
WHERE t.eventName = [[action:'PutBucketPolicy']]
  AND t.userIdentity.sessionContext.sessionIssuer.arn = [[role:'arn:aws:iam::111122223333:role/Deploy']]
  AND a.eventTime BETWEEN t.eventTime - INTERVAL '30' MINUTE AND t.eventTime + INTERVAL '30' MINUTE
  AND [[when t:7 days]]
ORDER BY marked_time, a.eventTime
LIMIT 1000

-- name: Who assumed a role
-- description: Who took on a role, from where, under which session name.
-- words: assumerole assumed role who sts session took
SELECT eventTime, userIdentity.arn, sourceIPAddress, element_at(requestParameters, 'roleArn') AS roleArn, element_at(requestParameters, 'roleSessionName') AS roleSessionName, errorCode
FROM $EDS_ID
WHERE eventName IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
  AND element_at(requestParameters, 'roleArn') = [[role:'arn:aws:iam::111122223333:role/Admin']]
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Most assumed roles
-- description: Which roles were assumed, by how many principals, how often.
-- words: assumerole assumed roles top most sts
SELECT element_at(requestParameters, 'roleArn') AS roleArn, COUNT(*) AS times, COUNT(DISTINCT userIdentity.arn) AS principals, MAX(eventTime) AS last_assumed
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com' AND eventName LIKE 'AssumeRole%'
  AND [[when:7 days]] [[also]]
GROUP BY element_at(requestParameters, 'roleArn')
ORDER BY times DESC
LIMIT 100

-- name: Role chains
-- description: Roles assumed from sessions of other roles: a way through several accounts or privileges.
-- words: role chain chaining assumerole hop pivot lateral movement session
SELECT eventTime, userIdentity.sessionContext.sessionIssuer.arn AS from_role, element_at(requestParameters, 'roleArn') AS to_role, userIdentity.accountId AS from_account, recipientAccountId AS to_account, sourceIPAddress, element_at(requestParameters, 'roleSessionName') AS session_name
FROM $EDS_ID
WHERE eventName = 'AssumeRole' AND userIdentity.type = 'AssumedRole' AND errorCode IS NULL
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Role chains of three
-- description: Where a session of one role assumed a second, and a session of that a third, within an hour.
-- words: role chain chaining assumerole hops three long path pivot lateral
SELECT one.eventTime AS first_hop, one.userIdentity.sessionContext.sessionIssuer.arn AS first_role, element_at(one.requestParameters, 'roleArn') AS second_role, element_at(two.requestParameters, 'roleArn') AS third_role, two.eventTime AS second_hop
FROM $EDS_ID AS one
INNER JOIN $EDS_ID AS two ON two.userIdentity.sessionContext.sessionIssuer.arn = element_at(one.requestParameters, 'roleArn')
WHERE one.eventName = 'AssumeRole' AND two.eventName = 'AssumeRole' AND one.errorCode IS NULL AND two.errorCode IS NULL
  AND two.eventTime BETWEEN one.eventTime AND one.eventTime + INTERVAL '1' HOUR
  AND [[when one:7 days]]
ORDER BY first_hop
LIMIT 100

-- name: Which AssumeRole stands behind a session
-- description: The calls that handed out the credentials of a temporary access key, with who got them.
-- words: preceding assumerole temporary credentials asia key origin session who behind
SELECT eventTime, userIdentity.arn, sourceIPAddress, eventName, element_at(requestParameters, 'roleArn') AS roleArn, element_at(requestParameters, 'roleSessionName') AS roleSessionName
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com'
  AND json_extract_scalar(element_at(responseElements, 'credentials'), '$.accessKeyId') = [[key:'ASIAIOSFODNN7EXAMPLE']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime
LIMIT 100

-- name: Sessions without an approved change
-- description: AssumeRole calls whose session tags do not name the change that was approved.
-- words: session tags approvedchangeid change ticket missing assumerole preceding
SELECT eventTime, userIdentity.arn, sourceIPAddress, element_at(requestParameters, 'roleArn') AS roleArn, element_at(requestParameters, 'tags') AS tags
FROM $EDS_ID
WHERE eventName = 'AssumeRole' AND errorCode IS NULL
  AND COALESCE(element_at(requestParameters, 'tags'), '') NOT LIKE '%"approvedChangeId"%'
  AND element_at(requestParameters, 'roleArn') = [[?role:'arn:aws:iam::111122223333:role/Admin']]
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: The session that did something, and who opened it
-- description: Calls of one action made with assumed roles, each with the latest AssumeRole before it.
-- words: preceding assumerole before action who opened session joined
SELECT c.eventTime, c.eventName, c.userIdentity.arn AS session, max_by(s.userIdentity.arn, s.eventTime) AS opened_by, MAX(s.eventTime) AS opened_at, max_by(s.sourceIPAddress, s.eventTime) AS opened_from
FROM $EDS_ID AS c
INNER JOIN $EDS_ID AS s ON element_at(s.requestParameters, 'roleArn') = c.userIdentity.sessionContext.sessionIssuer.arn
WHERE c.eventName = [[action:'PutBucketPolicy']] AND s.eventName = 'AssumeRole' AND s.errorCode IS NULL
  AND s.eventTime BETWEEN c.eventTime - INTERVAL '12' HOUR AND c.eventTime
  AND [[when c:7 days]]
GROUP BY c.eventTime, c.eventName, c.userIdentity.arn
ORDER BY c.eventTime DESC
LIMIT 100
