-- name: Deleted and stopped trails
-- description: Who deleted or stopped a trail, or changed what it records.
-- words: cloudtrail trail deleted stopped stoplogging deletetrail tampering logging off disabled evasion
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'name') AS trail, sourceIPAddress, awsRegion, errorCode
FROM $EDS_ID
WHERE eventSource = 'cloudtrail.amazonaws.com' AND eventName IN ('DeleteTrail', 'StopLogging', 'UpdateTrail', 'PutEventSelectors', 'PutInsightSelectors')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Changes of event data stores
-- description: Event data stores that were changed, stopped or deleted, and channels and policies of theirs.
-- words: cloudtrail lake event data store deleted stopped updated channel retention tampering
SELECT eventTime, eventName, userIdentity.arn, requestParameters, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventSource = 'cloudtrail.amazonaws.com' AND regexp_like(eventName, '(EventDataStore|Channel|ResourcePolicy|Federation|Import)$|EventDataStoreIngestion$') AND readOnly = false
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Who asked the audit trail
-- description: Queries and lookups over the audit trail itself: who watches the watchers.
-- words: startquery lookupevents audit queries searched who looked watched lake query
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'queryStatement') AS statement, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventSource = 'cloudtrail.amazonaws.com' AND eventName IN ('StartQuery', 'GetQueryResults', 'LookupEvents', 'GenerateQuery')
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Security services switched off
-- description: GuardDuty, Config, Security Hub, Macie, flow logs and alarms that were stopped or deleted.
-- words: guardduty config securityhub macie flow logs detector disabled deleted stopped evasion defense alarms
SELECT eventTime, eventSource, eventName, userIdentity.arn, requestParameters, awsRegion, errorCode
FROM $EDS_ID
WHERE eventName IN ('DeleteDetector', 'UpdateDetector', 'DisassociateFromMasterAccount', 'StopMonitoringMembers', 'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel', 'DeleteConfigRule', 'DisableSecurityHub', 'BatchDisableStandards', 'DisableMacie', 'DeleteFlowLogs', 'DeleteAlarms', 'DisableAlarmActions', 'DeleteLogGroup', 'DeleteLogStream', 'DeleteAnalyzer')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Security groups opened to the world
-- description: Rules that let every address in.
-- words: security group ingress 0.0.0.0/0 open internet world authorizesecuritygroupingress exposed port firewall
SELECT eventTime, userIdentity.arn, element_at(requestParameters, 'groupId') AS groupId, element_at(requestParameters, 'ipPermissions') AS rules, awsRegion, errorCode
FROM $EDS_ID
WHERE eventName = 'AuthorizeSecurityGroupIngress'
  AND (element_at(requestParameters, 'ipPermissions') LIKE '%0.0.0.0/0%' OR element_at(requestParameters, 'ipPermissions') LIKE '%::/0%' OR element_at(requestParameters, 'cidrIp') = '0.0.0.0/0')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Network changes
-- description: Changes of security groups, network ACLs, routes, gateways and VPCs.
-- words: vpc network security group nacl route gateway changes ec2 peering
SELECT eventTime, eventName, userIdentity.arn, requestParameters, awsRegion, errorCode
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND readOnly = false
  AND regexp_like(eventName, '(SecurityGroup|NetworkAcl|Route|Gateway|Vpc|Subnet|NetworkInterface)')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Snapshots and images shared
-- description: Snapshots, images and databases handed to other accounts or to everyone.
-- words: snapshot ami image shared public modifysnapshotattribute exfiltration rds ebs other account
SELECT eventTime, eventName, userIdentity.arn, requestParameters, awsRegion, errorCode
FROM $EDS_ID
WHERE eventName IN ('ModifySnapshotAttribute', 'ModifyImageAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'SharedSnapshotCopyInitiated', 'SharedSnapshotVolumeCreated')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Instances started
-- description: Who started how many instances of which type, where: miners like large ones in empty Regions.
-- words: ec2 runinstances launched instances started mining crypto type launch
SELECT eventTime, userIdentity.arn, awsRegion, element_at(requestParameters, 'instanceType') AS instanceType, json_extract_scalar(element_at(requestParameters, 'instancesSet'), '$.items[0].maxCount') AS count, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName = 'RunInstances'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Instances stopped and terminated
-- description: Who stopped or terminated which instances.
-- words: ec2 terminateinstances stopinstances terminated stopped killed instances
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'instancesSet') AS instances, awsRegion, errorCode
FROM $EDS_ID
WHERE eventName IN ('TerminateInstances', 'StopInstances', 'RebootInstances')
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Credentials of instances used elsewhere
-- description: Role sessions of EC2 instances that called from more than one address: credentials may have left the machine.
-- words: ec2 instance credentials metadata imds stolen outside used elsewhere ssrf session
SELECT userIdentity.arn, COUNT(DISTINCT sourceIPAddress) AS addresses, COUNT(*) AS calls, MIN(eventTime) AS first_seen, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE regexp_like(userIdentity.principalId, ':i-[0-9a-f]+$') AND sourceIPAddress NOT LIKE '%.amazonaws.com'
  AND [[when:7 days]] [[also]]
GROUP BY userIdentity.arn
HAVING COUNT(DISTINCT sourceIPAddress) > 1
ORDER BY addresses DESC
LIMIT 100

-- name: Changes of functions
-- description: Who made or changed Lambda functions, and who may call them.
-- words: lambda function code updated created changed permission url serverless
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'functionName') AS functionName, awsRegion, errorCode
FROM $EDS_ID
WHERE eventSource = 'lambda.amazonaws.com' AND readOnly = false
  AND element_at(requestParameters, 'functionName') = [[?function:'my-function']]
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Commands sent to instances
-- description: Systems Manager commands and sessions, and user data that was changed: code on machines.
-- words: ssm sendcommand startsession remote execution command user data shell
SELECT eventTime, eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'documentName'), element_at(requestParameters, 'target')) AS what, element_at(requestParameters, 'instanceIds') AS instances, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName IN ('SendCommand', 'StartSession', 'ResumeSession', 'StartAutomationExecution', 'SendSSHPublicKey', 'ModifyInstanceAttribute')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Calls refused by VPC endpoints
-- description: Network activity events: calls that the policy of a VPC endpoint refused.
-- words: vpc endpoint vpceaccessdenied network activity refused denied
SELECT eventTime, eventSource, eventName, userIdentity.arn, vpcEndpointId, sourceIPAddress, errorMessage
FROM $EDS_ID
WHERE eventCategory = 'NetworkActivity' AND errorCode = 'VpceAccessDenied'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Old TLS versions
-- description: Who still calls with TLS before 1.2.
-- words: tls ssl version old outdated insecure cipher encryption
SELECT tlsDetails.tlsVersion, eventSource, userIdentity.arn, userAgent, COUNT(*) AS calls
FROM $EDS_ID
WHERE tlsDetails.tlsVersion IN ('TLSv1', 'TLSv1.1')
  AND [[when:7 days]] [[also]]
GROUP BY tlsDetails.tlsVersion, eventSource, userIdentity.arn, userAgent
ORDER BY calls DESC
LIMIT 100
