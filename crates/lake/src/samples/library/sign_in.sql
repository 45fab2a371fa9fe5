-- name: Console sign-ins
-- description: Who signed in to the console, from where, and whether it worked.
-- words: login logon signin consolelogin console sign in users
SELECT eventTime, userIdentity.arn, userIdentity.type, sourceIPAddress, userAgent, awsRegion, element_at(responseElements, 'ConsoleLogin') AS result, element_at(additionalEventData, 'MFAUsed') AS mfa
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Failed console sign-ins
-- description: Sign-ins that failed, newest first.
-- words: login logon signin consolelogin failed failure wrong password attempts
SELECT eventTime, userIdentity.userName, sourceIPAddress, userAgent, errorMessage
FROM $EDS_ID
WHERE eventSource = 'signin.amazonaws.com' AND eventName = 'ConsoleLogin' AND element_at(responseElements, 'ConsoleLogin') = 'Failure'
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Failed sign-ins by address
-- description: Addresses from which many sign-ins failed, and for how many users: password guessing.
-- words: login logon signin consolelogin failed brute force password spraying guessing ip
SELECT sourceIPAddress, COUNT(*) AS failures, COUNT(DISTINCT userIdentity.userName) AS users, MIN(eventTime) AS first_seen, MAX(eventTime) AS last_seen
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin' AND element_at(responseElements, 'ConsoleLogin') = 'Failure'
  AND [[when:7 days]] [[also]]
GROUP BY sourceIPAddress
ORDER BY failures DESC
LIMIT 100

-- name: Sign-ins without MFA
-- description: Console sign-ins that worked without a second factor.
-- words: login logon signin consolelogin mfa multi factor missing no without second
SELECT eventTime, userIdentity.arn, userIdentity.type, sourceIPAddress, userAgent
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin' AND element_at(responseElements, 'ConsoleLogin') = 'Success'
  AND COALESCE(element_at(additionalEventData, 'MFAUsed'), 'No') <> 'Yes' AND userIdentity.type IN ('IAMUser', 'Root')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Sign-ins of root
-- description: Console sign-ins as root, failed ones too.
-- words: login logon signin consolelogin root account owner
SELECT eventTime, recipientAccountId, sourceIPAddress, userAgent, element_at(responseElements, 'ConsoleLogin') AS result, element_at(additionalEventData, 'MFAUsed') AS mfa
FROM $EDS_ID
WHERE eventName = 'ConsoleLogin' AND userIdentity.type = 'Root'
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Failed sign-ins followed by a success
-- description: Users who signed in after failing at least three times within the hour before.
-- words: login logon signin consolelogin failed then success guessed brute force password
SELECT s.eventTime AS signed_in, s.userIdentity.userName, s.sourceIPAddress, COUNT(*) AS failures_before
FROM $EDS_ID AS s
INNER JOIN $EDS_ID AS f ON f.userIdentity.userName = s.userIdentity.userName
WHERE s.eventName = 'ConsoleLogin' AND element_at(s.responseElements, 'ConsoleLogin') = 'Success'
  AND f.eventName = 'ConsoleLogin' AND element_at(f.responseElements, 'ConsoleLogin') = 'Failure'
  AND f.eventTime BETWEEN s.eventTime - INTERVAL '1' HOUR AND s.eventTime
  AND [[when s:30 days]]
GROUP BY s.eventTime, s.userIdentity.userName, s.sourceIPAddress
HAVING COUNT(*) >= 3
ORDER BY signed_in DESC
LIMIT 100

-- name: Calls without MFA
-- description: Changes made in sessions that were opened without a second factor.
-- words: mfa mfaauthenticated multi factor missing no without calls session changes
SELECT eventTime, eventSource, eventName, userIdentity.arn, sourceIPAddress, awsRegion
FROM $EDS_ID
WHERE userIdentity.sessionContext.attributes.mfaAuthenticated = 'false' AND readOnly = false
  AND [[when:1 day]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: MFA devices removed
-- description: Who switched off or deleted a second factor, whose.
-- words: mfa device deactivated deleted disabled removed multi factor
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'userName') AS whose, element_at(requestParameters, 'serialNumber') AS device, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName IN ('DeactivateMFADevice', 'DeleteVirtualMFADevice')
  AND [[when:90 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Federated sign-ins
-- description: Sign-ins and sessions through an identity provider.
-- words: federation federated saml oidc web identity provider sso idp login
SELECT eventTime, eventName, userIdentity.type, userIdentity.userName, userIdentity.identityProvider, sourceIPAddress, element_at(requestParameters, 'roleArn') AS roleArn, errorCode
FROM $EDS_ID
WHERE eventName IN ('AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetFederationToken', 'Federate', 'Authenticate')
  AND [[when:7 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000

-- name: Password changes
-- description: Changed and reset passwords and login profiles, and changes of the password policy.
-- words: password reset changed login profile credential policy
SELECT eventTime, eventName, userIdentity.arn, element_at(requestParameters, 'userName') AS whose, sourceIPAddress, errorCode
FROM $EDS_ID
WHERE eventName IN ('ChangePassword', 'CreateLoginProfile', 'UpdateLoginProfile', 'DeleteLoginProfile', 'UpdateAccountPasswordPolicy', 'DeleteAccountPasswordPolicy', 'PasswordRecoveryRequested', 'PasswordRecoveryCompleted')
  AND [[when:30 days]] [[also]]
ORDER BY eventTime DESC
LIMIT 1000
