-- name: Activity by Region
-- description: How many calls went to which Region, and how many of them changed something.
-- words: regions count where active most calls activity
SELECT awsRegion, COUNT(*) AS calls, SUM(CASE WHEN readOnly = false THEN 1 ELSE 0 END) AS changes, COUNT(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
WHERE [[when:7 days]] [[also]]
GROUP BY awsRegion
ORDER BY calls DESC
LIMIT 100

-- name: Regions used for the first time
-- description: Regions with a change within the last week and none before: where nobody looks.
-- words: new unused regions first time never before region
SELECT awsRegion, MIN(eventTime) AS first_change, COUNT(*) AS changes, arbitrary(userIdentity.arn) AS somebody
FROM $EDS_ID
WHERE readOnly = false AND errorCode IS NULL [[also]]
GROUP BY awsRegion
HAVING MIN(eventTime) > date_add('day', -7, current_timestamp)
ORDER BY first_change DESC
LIMIT 100

-- name: Activity by service
-- description: Which services were called how often, by how many principals.
-- words: services count eventsource most used busiest activity top
SELECT eventSource, COUNT(*) AS calls, COUNT(DISTINCT userIdentity.arn) AS principals, COUNT(errorCode) AS errors
FROM $EDS_ID
WHERE [[when:1 day]] [[also]]
GROUP BY eventSource
ORDER BY calls DESC
LIMIT 100

-- name: Activity by hour
-- description: Reads and writes by hour.
-- words: trend hourly timeline over time volume rate activity histogram per hour
SELECT date_trunc('hour', eventTime) AS hour, SUM(CASE WHEN readOnly THEN 1 ELSE 0 END) AS reads, SUM(CASE WHEN readOnly THEN 0 ELSE 1 END) AS writes, COUNT(errorCode) AS errors
FROM $EDS_ID
WHERE [[when:2 days]] [[also]]
GROUP BY date_trunc('hour', eventTime)
ORDER BY hour

-- name: Activity by day and account
-- description: Calls by account and day.
-- words: accounts daily trend per day volume count each
SELECT date_trunc('day', eventTime) AS day, recipientAccountId, COUNT(*) AS calls, COUNT(DISTINCT userIdentity.arn) AS principals
FROM $EDS_ID
WHERE [[when:14 days]] [[also]]
GROUP BY date_trunc('day', eventTime), recipientAccountId
ORDER BY day, calls DESC

-- name: Calls outside of working hours
-- description: Changes made by people at night and at weekends (UTC).
-- words: night weekend off hours unusual time working hours after
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion
FROM $EDS_ID
WHERE readOnly = false AND userIdentity.type IN ('IAMUser', 'Root', 'AssumedRole') AND sourceIPAddress NOT LIKE '%.amazonaws.com'
  AND (hour(eventTime) < 6 OR hour(eventTime) >= 20 OR day_of_week(eventTime) >= 6)
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Rare operations
-- description: Operations that were called only once or twice: the unusual is often here.
-- words: rare unusual seldom anomaly uncommon least frequent operations
SELECT eventSource, eventName, COUNT(*) AS calls, arbitrary(userIdentity.arn) AS principal, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE [[when:30 days]] [[also]]
GROUP BY eventSource, eventName
HAVING COUNT(*) <= 2
ORDER BY last_seen DESC
LIMIT 100

-- name: Hours with unusually many calls
-- description: Principals' hours with more than ten times their usual number of calls.
-- words: spike anomaly unusual many calls baseline hours outlier
WITH hourly AS (
  SELECT userIdentity.arn AS principal, date_trunc('hour', eventTime) AS hour, COUNT(*) AS calls
  FROM $EDS_ID
  WHERE userIdentity.arn IS NOT NULL AND [[when:7 days]] [[also]]
  GROUP BY userIdentity.arn, date_trunc('hour', eventTime)
), usual AS (
  SELECT principal, hour, calls, AVG(calls) OVER (PARTITION BY principal) AS mean
  FROM hourly
)
SELECT principal, hour, calls, mean
FROM usual
WHERE calls > 10 * mean
ORDER BY calls DESC
LIMIT 100

-- name: Calls that services made
-- description: What AWS services did on somebody's behalf, by service.
-- words: invokedby service behalf awsservice internal automatic
SELECT userIdentity.invokedBy, eventSource, eventName, COUNT(*) AS calls
FROM $EDS_ID
WHERE userIdentity.invokedBy IS NOT NULL
  AND [[when:1 day]] [[also]]
GROUP BY userIdentity.invokedBy, eventSource, eventName
ORDER BY calls DESC
LIMIT 100

-- name: Resources touched most
-- description: Which resources calls were about, by type.
-- words: resources unnest touched most common types arn count
SELECT r.type, r.arn, COUNT(*) AS calls
FROM $EDS_ID
CROSS JOIN UNNEST(resources) AS r(accountId, type, arn, arnPrefix)
WHERE [[when:1 day]] [[also]]
GROUP BY r.type, r.arn
ORDER BY calls DESC
LIMIT 100

-- name: Resources with a tag
-- description: Calls whose context has a tag with some key: stores that are set to keep event context.
-- words: tag tags eventcontext tagcontext enriched context resource department cost
SELECT eventTime, eventSource, eventName, userIdentity.arn, json_extract(eventContext, '$.tagContext') AS tags
FROM $EDS_ID
WHERE eventContext IS NOT NULL AND json_format(json_extract(eventContext, '$.tagContext')) LIKE '%"' || [[tag:'Department']] || '"%'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: How late events arrive
-- description: The newest event of each Region and account: where recording may have stopped.
-- words: latest newest last event lag silent gap stopped missing per region heartbeat
SELECT recipientAccountId, awsRegion, MAX(eventTime) AS newest, COUNT(*) AS calls
FROM $EDS_ID
WHERE [[when:30 days]] [[also]]
GROUP BY recipientAccountId, awsRegion
ORDER BY newest
LIMIT 1000

-- name: Created resources
-- description: What was created, by whom.
-- words: created create launched new resources made provisioned
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion, requestParameters
FROM $EDS_ID
WHERE regexp_like(eventName, '^(Create|Run|Launch|Register)') AND readOnly = false AND errorCode IS NULL
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Integration events by action
-- description: What other systems reported through channels, by source and action.
-- words: integration channel partner external activity saas third party putauditevents
-- family: Activity
SELECT eventData.eventSource, eventData.eventName, COUNT(*) AS events, COUNT(DISTINCT eventData.userIdentity.principalId) AS principals, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE [[when:7 days]]
GROUP BY eventData.eventSource, eventData.eventName
ORDER BY events DESC
LIMIT 100

-- name: Integration events of one user
-- description: What a user did in systems that report through channels, newest first.
-- words: integration channel partner external activity saas user principal
-- family: Activity
SELECT eventTime, eventData.eventSource, eventData.eventName, eventData.sourceIPAddress, eventData.requestParameters, eventData.errorCode
FROM $EDS_ID
WHERE eventData.userIdentity.principalId = [[user:'alice']]
  AND [[when:7 days]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Insights by kind
-- description: Unusual rates of calls and errors that were found, by service and operation.
-- words: insights anomaly unusual rate apicallrateinsight apierrorrateinsight
-- family: Insight
SELECT insightType, insightEventSource, insightEventName, insightErrorCode, COUNT(*) AS insights, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE insightState = 'Start' AND [[when:30 days]]
GROUP BY insightType, insightEventSource, insightEventName, insightErrorCode
ORDER BY insights DESC
LIMIT 100

-- name: Recent insights
-- description: Insights with the usual rate and the unusual one, newest first.
-- words: insights recent anomaly baseline average unusual rate
-- family: Insight
SELECT eventTime, insightState, insightType, insightEventSource, insightEventName, insightContext.baselineAverage, insightContext.insightAverage
FROM $EDS_ID
WHERE [[when:30 days]]
ORDER BY eventTime DESC
LIMIT 100

-- name: Changes of one kind of resource
-- description: Configuration items of a resource type, newest first.
-- words: config configuration item resource compliance history changes
-- family: ConfigurationItem
SELECT eventTime, eventData.resourceType, eventData.resourceId, eventData.arn, eventData.configurationItemStatus, eventData.awsRegion
FROM $EDS_ID
WHERE eventData.resourceType = [[type:'AWS::EC2::SecurityGroup']]
  AND [[when:30 days]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Evidence by control
-- description: Evidence that was collected, by framework and control.
-- words: evidence audit manager control framework compliance assessment
-- family: Evidence
SELECT eventData.frameworkName, eventData.controlName, eventData.complianceCheck, COUNT(*) AS evidence
FROM $EDS_ID
WHERE [[when:30 days]]
GROUP BY eventData.frameworkName, eventData.controlName, eventData.complianceCheck
ORDER BY evidence DESC
LIMIT 100
