-- name: Changes of IAM
-- description: What was changed about users, roles, groups and policies, newest first.
-- words: iam changes users roles groups policies permission modified identity
SELECT eventTime, eventName, userIdentity.arn, sourceIPAddress, requestParameters, errorCode
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com' AND readOnly = false
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: New users and access keys
-- description: Users, access keys and login profiles that were made, by whom: how a stranger stays.
-- words: iam createuser createaccesskey created new user access key persistence backdoor login profile
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'userName') AS whose, json_extract_scalar(element_at(responseElements, 'accessKey'), '$.accessKeyId') AS new_key, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Access keys made for somebody else
-- description: Access keys that one user made for another.
-- words: iam createaccesskey access key other another user backdoor persistence escalation
SELECT eventTime, userIdentity.userName AS maker, element_at(requestParameters, 'userName') AS whose, json_extract_scalar(element_at(responseElements, 'accessKey'), '$.accessKeyId') AS new_key, sourceIPAddress
FROM $EDS_ID
WHERE eventName = 'CreateAccessKey' AND errorCode IS NULL AND userIdentity.userName <> element_at(requestParameters, 'userName')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Administrator rights given
-- description: Who attached AdministratorAccess, or wrote a policy that allows everything.
-- words: administrator admin access attach policy privilege escalation full rights granted star
SELECT eventTime, eventName, userIdentity.arn, requestParameters, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE ((eventName IN ('AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy') AND element_at(requestParameters, 'policyArn') LIKE '%/AdministratorAccess')
    OR (eventName IN ('PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy', 'CreatePolicy', 'CreatePolicyVersion') AND regexp_like(element_at(requestParameters, 'policyDocument'), '"Action"\s*:\s*\[{0,1}\s*"\*"')))
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Policies attached and written
-- description: Changes of what somebody may do, and for whom.
-- words: iam policy attached detached put inline permissions changed granted attachrolepolicy
SELECT eventTime, eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'roleName'), element_at(requestParameters, 'userName'), element_at(requestParameters, 'groupName')) AS whose, COALESCE(element_at(requestParameters, 'policyArn'), element_at(requestParameters, 'policyName')) AS policy, errorCode
FROM $EDS_ID
WHERE eventName IN ('AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy', 'DetachUserPolicy', 'DetachRolePolicy', 'DetachGroupPolicy', 'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy', 'DeleteUserPolicy', 'DeleteRolePolicy', 'DeleteGroupPolicy', 'CreatePolicyVersion', 'SetDefaultPolicyVersion')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Changed trust policies
-- description: Who may assume a role was changed: a door for another account.
-- words: trust policy assume role updateassumerolepolicy createrole who may principal external
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'roleName') AS role, COALESCE(element_at(requestParameters, 'policyDocument'), element_at(requestParameters, 'assumeRolePolicyDocument')) AS trust_policy, errorCode
FROM $EDS_ID
WHERE eventName IN ('UpdateAssumeRolePolicy', 'CreateRole')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Roles passed to services
-- description: Calls that hand a role to a service, such as an instance profile or a function's role: a way to its rights.
-- words: passrole instance profile lambda role escalation handed iaminstanceprofile
SELECT eventTime, eventSource, eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'role'), json_extract_scalar(element_at(requestParameters, 'iamInstanceProfile'), '$.arn'), json_extract_scalar(element_at(requestParameters, 'iamInstanceProfile'), '$.name'), element_at(requestParameters, 'roleArn')) AS role, errorCode
FROM $EDS_ID
WHERE eventName IN ('RunInstances', 'AssociateIamInstanceProfile', 'ReplaceIamInstanceProfileAssociation', 'CreateFunction20150331', 'UpdateFunctionConfiguration20150331v2', 'CreateStack', 'CreateJob', 'RegisterTaskDefinition')
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Secrets and parameters read
-- description: Who read secrets and decrypted parameters.
-- words: secretsmanager getsecretvalue ssm parameter store secrets credentials read decrypt
SELECT eventTime, eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'secretId'), element_at(requestParameters, 'name'), element_at(requestParameters, 'names')) AS what, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName IN ('GetSecretValue', 'BatchGetSecretValue', 'GetParameter', 'GetParameters', 'GetParametersByPath')
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Many secrets read at once
-- description: Principals that read five or more different secrets within an hour.
-- words: secretsmanager getsecretvalue bulk many secrets harvest steal
SELECT userIdentity.arn, sourceIPAddress, date_trunc('hour', eventTime) AS hour, COUNT(DISTINCT element_at(requestParameters, 'secretId')) AS secrets
FROM $EDS_ID
WHERE eventName = 'GetSecretValue'
  AND [[when:7 days]] [[also]]
GROUP BY userIdentity.arn, sourceIPAddress, date_trunc('hour', eventTime)
HAVING COUNT(DISTINCT element_at(requestParameters, 'secretId')) >= 5
ORDER BY secrets DESC
LIMIT 100

-- name: KMS key use
-- description: Who used which KMS key for what. Records of other services' use are included.
-- words: kms key decrypt encrypt generatedatakey usage cryptography
SELECT eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'keyId'), json_extract_scalar(json_extract(eventJson, '$.resources[0]'), '$.ARN')) AS kms_key, COUNT(*) AS uses, MAX(eventTime) AS last_used
FROM $EDS_ID
WHERE eventSource = 'kms.amazonaws.com'
  AND [[when:7 days]] [[also]]
GROUP BY eventName, userIdentity.arn, COALESCE(element_at(requestParameters, 'keyId'), json_extract_scalar(json_extract(eventJson, '$.resources[0]'), '$.ARN'))
ORDER BY uses DESC
LIMIT 100

-- name: KMS keys disabled or scheduled for deletion
-- description: Calls that take a key, and all that is encrypted with it, away.
-- words: kms key disabled deletion scheduled schedulekeydeletion destroy ransom
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'keyId') AS keyId, element_at(requestParameters, 'pendingWindowInDays') AS days, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventSource = 'kms.amazonaws.com' AND eventName IN ('DisableKey', 'ScheduleKeyDeletion', 'DeleteImportedKeyMaterial', 'DeleteCustomKeyStore', 'PutKeyPolicy')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000
