//! Flat copies of what queries look for most: members of structs, because Bloom filters and statistics prune on flat
//! columns only, and keys of maps, because reading one of them out of JSON text costs twenty times as much.
//!
//! A copy of a member of a struct has an underscore before its path: engines that read the files take the path itself for
//! the member.
//!
//! Chosen by how often a path stands in real records and in the published queries and rules about them.

use super::Column;

pub(super) const SHADOWS: [Column; 42] = [
    Column::shadow(101_000, "_useridentity.type", "userIdentity.type"),
    Column::shadow_needle(101_001, "_useridentity.principalid", "userIdentity.principalId"),
    Column::shadow_needle(101_002, "_useridentity.arn", "userIdentity.arn"),
    Column::shadow(101_003, "_useridentity.accountid", "userIdentity.accountId"),
    Column::shadow_needle(101_004, "_useridentity.accesskeyid", "userIdentity.accessKeyId"),
    Column::shadow_needle(101_005, "_useridentity.username", "userIdentity.userName"),
    Column::shadow(101_006, "_useridentity.invokedby", "userIdentity.invokedBy"),
    Column::shadow_needle(
        101_007,
        "_useridentity.sessioncontext.sessionissuer.arn",
        "userIdentity.sessionContext.sessionIssuer.arn",
    ),
    Column::shadow_needle(
        101_008,
        "_useridentity.sessioncontext.sessionissuer.username",
        "userIdentity.sessionContext.sessionIssuer.userName",
    ),
    Column::shadow_needle(101_009, "_useridentity.sessioncontext.sourceidentity", "userIdentity.sessionContext.sourceIdentity"),
    Column::shadow(
        101_010,
        "_useridentity.sessioncontext.attributes.mfaauthenticated",
        "userIdentity.sessionContext.attributes.mfaAuthenticated",
    ),
    Column::shadow(101_020, "_tlsdetails.tlsversion", "tlsDetails.tlsVersion"),
    Column::shadow_needle(101_100, "requestparameters.bucketName", "requestParameters.bucketName"),
    Column::shadow_needle(101_101, "requestparameters.key", "requestParameters.key"),
    Column::shadow_needle(101_102, "requestparameters.roleArn", "requestParameters.roleArn"),
    Column::shadow_needle(101_103, "requestparameters.roleName", "requestParameters.roleName"),
    Column::shadow_needle(101_104, "requestparameters.roleSessionName", "requestParameters.roleSessionName"),
    Column::shadow_needle(101_105, "requestparameters.userName", "requestParameters.userName"),
    Column::shadow_needle(101_106, "requestparameters.groupName", "requestParameters.groupName"),
    Column::shadow_needle(101_107, "requestparameters.policyArn", "requestParameters.policyArn"),
    Column::shadow_needle(101_108, "requestparameters.policyName", "requestParameters.policyName"),
    Column::shadow_needle(101_109, "requestparameters.instanceId", "requestParameters.instanceId"),
    Column::shadow_needle(101_110, "requestparameters.keyId", "requestParameters.keyId"),
    Column::shadow_needle(101_111, "requestparameters.secretId", "requestParameters.secretId"),
    Column::shadow_needle(101_112, "requestparameters.functionName", "requestParameters.functionName"),
    Column::shadow_needle(101_113, "requestparameters.name", "requestParameters.name"),
    Column::shadow_needle(101_114, "requestparameters.groupId", "requestParameters.groupId"),
    Column::shadow_needle(101_115, "requestparameters.vpcId", "requestParameters.vpcId"),
    Column::shadow_needle(101_116, "requestparameters.logGroupName", "requestParameters.logGroupName"),
    Column::shadow_needle(101_117, "requestparameters.tableName", "requestParameters.tableName"),
    Column::shadow_needle(101_118, "requestparameters.resourceArn", "requestParameters.resourceArn"),
    Column::shadow_needle(101_119, "requestparameters.accessKeyId", "requestParameters.accessKeyId"),
    Column::shadow_needle(101_120, "requestparameters.dBInstanceIdentifier", "requestParameters.dBInstanceIdentifier"),
    Column::shadow_needle(101_121, "requestparameters.queueUrl", "requestParameters.queueUrl"),
    Column::shadow_needle(101_122, "requestparameters.topicArn", "requestParameters.topicArn"),
    Column::shadow_needle(101_123, "requestparameters.trailName", "requestParameters.trailName"),
    Column::shadow(101_200, "responseelements.ConsoleLogin", "responseElements.ConsoleLogin"),
    Column::shadow_needle(101_201, "responseelements.credentials.accessKeyId", "responseElements.credentials.accessKeyId"),
    Column::shadow(101_300, "additionaleventdata.MFAUsed", "additionalEventData.MFAUsed"),
    Column::shadow(101_301, "additionaleventdata.bytesTransferredIn", "additionalEventData.bytesTransferredIn"),
    Column::shadow(101_302, "additionaleventdata.bytesTransferredOut", "additionalEventData.bytesTransferredOut"),
    Column::shadow(101_303, "additionaleventdata.AuthenticationMethod", "additionalEventData.AuthenticationMethod"),
];
