-- name: Every call of one action
-- description: Who called one operation, from where and with what, newest first.
-- words: eventname operation api action who called performed did
SELECT eventTime, userIdentity.arn, awsRegion, sourceIPAddress, requestParameters, errorCode, eventID
FROM $EDS_ID
WHERE eventName = [[action:'DeleteTrail']]
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Every call of one service
-- description: Calls to one service, counted by operation and principal.
-- words: eventsource service usage which operations
SELECT eventName, userIdentity.arn, COUNT(*) AS calls, COUNT(errorCode) AS errors, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE eventSource = [[service:'s3.amazonaws.com']]
  AND [[when:7 days]] [[also]]
GROUP BY eventName, userIdentity.arn
ORDER BY calls DESC
LIMIT 100

-- name: Everything about one resource
-- description: Calls that name a resource by its ARN, in order of time.
-- words: resource arn touched changed object who accessed about
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, errorCode, eventID
FROM $EDS_ID
WHERE any_match(resources, r -> r.arn = [[resource:'arn:aws:lambda:us-east-1:111122223333:function:my-function']])
  AND [[when:30 days]] [[also]]
ORDER BY eventTime
LIMIT 1000

-- name: Everything that mentions a text
-- description: Records that have a text anywhere: an instance id, a name, a host.
-- words: search find text anywhere contains mentions string full
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, errorCode, eventID
FROM $EDS_ID
WHERE eventJson LIKE '%' || [[text:'i-0123456789abcdef0']] || '%'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: One event, whole
-- description: The record of one event, by its eventID.
-- words: eventid single record json raw full show
SELECT eventTime, eventName, eventJson, eventJsonChecksum
FROM $EDS_ID
WHERE eventID = [[event:'11111111-2222-3333-4444-555555555555']]

-- name: Top operations
-- description: The operations called most often.
-- words: most frequent common api calls eventname count actions
SELECT eventSource, eventName, COUNT(*) AS calls, COUNT(errorCode) AS errors
FROM $EDS_ID
WHERE [[when:1 day]] [[also]]
GROUP BY eventSource, eventName
ORDER BY calls DESC
LIMIT 25

-- name: Destructive calls
-- description: What was deleted, terminated, stopped or disabled, by whom.
-- words: delete deleted remove terminate stop disable detach destroy destructive
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, requestParameters
FROM $EDS_ID
WHERE regexp_like(eventName, '^(Delete|Terminate|Stop|Disable|Detach|Remove|Deregister|Revoke)') AND errorCode IS NULL
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: All changes
-- description: Calls that changed something and succeeded, newest first.
-- words: write changes changed modified not readonly mutations
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, requestParameters
FROM $EDS_ID
WHERE readOnly = false AND errorCode IS NULL
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Changes outside of automation
-- description: Changes made by people at the console rather than by programs.
-- words: console manual clickops human hand changes
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, requestParameters
FROM $EDS_ID
WHERE readOnly = false AND sessionCredentialFromConsole = 'true'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Error codes by frequency
-- description: Which errors services answered, how often, and to how many principals.
-- words: errors failures failed errorcode top most common
SELECT errorCode, eventSource, COUNT(*) AS failures, COUNT(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
WHERE errorCode IS NOT NULL
  AND [[when:1 day]] [[also]]
GROUP BY errorCode, eventSource
ORDER BY failures DESC
LIMIT 100

-- name: Failed calls of one error
-- description: Calls that failed with one error code, newest first.
-- words: errors failures errorcode specific
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, errorMessage
FROM $EDS_ID
WHERE errorCode = [[error:'AccessDenied']]
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Throttled calls
-- description: Who was throttled, for which operations.
-- words: throttling rate exceeded limit slow throttled
SELECT userIdentity.arn, eventSource, eventName, COUNT(*) AS throttled, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE errorCode IN ('ThrottlingException', 'Throttling', 'RequestLimitExceeded', 'TooManyRequestsException', 'Client.RequestLimitExceeded', 'SlowDown')
  AND [[when:1 day]] [[also]]
GROUP BY userIdentity.arn, eventSource, eventName
ORDER BY throttled DESC
LIMIT 100

-- name: Access denied by principal
-- description: Who was refused what, how often.
-- words: accessdenied denied unauthorized forbidden refused permission who users api operations
SELECT userIdentity.arn, eventSource, eventName, COUNT(*) AS refusals, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation')
  AND [[when:1 day]] [[also]]
GROUP BY userIdentity.arn, eventSource, eventName
ORDER BY refusals DESC
LIMIT 100

-- name: AccessDenied bursts
-- description: Principals refused ten times or more within five minutes: somebody tries doors.
-- words: accessdenied denied burst spike enumeration reconnaissance brute force many unauthorized
SELECT userIdentity.arn, sourceIPAddress, date_add('minute', -(minute(eventTime) % 5), date_trunc('minute', eventTime)) AS five_minutes, COUNT(*) AS refusals, COUNT(DISTINCT eventName) AS different_calls
FROM $EDS_ID
WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation')
  AND [[when:1 day]] [[also]]
GROUP BY userIdentity.arn, sourceIPAddress, date_add('minute', -(minute(eventTime) % 5), date_trunc('minute', eventTime))
HAVING COUNT(*) >= 10
ORDER BY refusals DESC
LIMIT 100

-- name: Refused first, allowed later
-- description: Operations that a principal was refused and that then succeeded: somebody widened a policy, or found a way.
-- words: accessdenied denied then success allowed escalation privilege later
SELECT d.arn, d.eventName, d.first_refused, MIN(s.eventTime) AS first_allowed
FROM (
  SELECT userIdentity.arn AS arn, eventName, MIN(eventTime) AS first_refused
  FROM $EDS_ID
  WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation') AND [[when:1 day]] [[also]]
  GROUP BY userIdentity.arn, eventName
) AS d
INNER JOIN $EDS_ID AS s ON s.userIdentity.arn = d.arn AND s.eventName = d.eventName
WHERE s.errorCode IS NULL AND s.eventTime > d.first_refused
GROUP BY d.arn, d.eventName, d.first_refused
ORDER BY first_allowed
LIMIT 100

-- name: Reconnaissance
-- description: Principals that listed and described many different things within an hour.
-- words: enumeration discovery reconnaissance list describe get scan survey
SELECT userIdentity.arn, sourceIPAddress, date_trunc('hour', eventTime) AS hour, COUNT(DISTINCT eventName) AS different_calls, COUNT(DISTINCT eventSource) AS services, COUNT(errorCode) AS errors
FROM $EDS_ID
WHERE regexp_like(eventName, '^(List|Describe|Get)')
  AND [[when:1 day]] [[also]]
GROUP BY userIdentity.arn, sourceIPAddress, date_trunc('hour', eventTime)
HAVING COUNT(DISTINCT eventName) >= 20
ORDER BY different_calls DESC
LIMIT 100
