//! What must not be told: what the model calls sensitive, and what AWS hides or leaves out besides.
//!
//! Sources: real records, the user guides of the services on their CloudTrail logs, and names that can mean nothing
//! but a secret. Better one name too many than one too few.

use super::Side;
use crate::table::{Member, Service, ShapeKind};

/// What is done with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is told.
    Tell,
    /// A word stands in its place.
    Hide,
    /// It is as if it were not there.
    LeaveOut,
    /// Of a map only the keys are told.
    Keys,
    /// DynamoDB's attribute values, as plain as the record has them.
    Plain,
    /// PartiQL without its literals.
    Statement,
}

use Verdict::{Hide, Keys, LeaveOut, Plain, Statement};

/// Names whose text is a secret wherever it stands, in lower case; they may be the end of a longer name.
const SECRET_ENDINGS: &[&str] = &[
    "accesstoken",
    "apikeyvalue",
    "apitoken",
    "authcode",
    "authorizationtoken",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "idtoken",
    "onetimepassword",
    "passphrase",
    "password",
    "plaintext",
    "presharedkey",
    "privatekey",
    "refreshtoken",
    "registrationtoken",
    "secretaccesskey",
    "secretbinary",
    "secretkey",
    "secretstring",
    "secrettoken",
    "sessiontoken",
    "sharedsecret",
    "tokenvalue",
    "userdata",
];

/// Names that are a secret as a whole, in lower case.
const SECRET_NAMES: &[&str] = &["credential", "hectoken", "otp", "passcode", "secret", "tokencode"];

/// What a service does in its own way: the service's name, the operation's or `*`, the side or both, the member's name.
const OWN: &[(&str, &str, Option<Side>, &str, Verdict)] = &[
    ("apigateway", "CreateApiKey", None, "value", Hide),
    ("apigateway", "CreateUsagePlanKey", None, "value", Hide),
    ("apigateway", "UpdateApiKey", None, "value", Hide),
    ("cloudfront", "*", None, "Comment", Hide),
    ("codebuild", "ImportSourceCredentials", Some(Side::Input), "token", Hide),
    ("codepipeline", "*", None, "secretAccessKey", LeaveOut),
    ("cognito-identity", "*", None, "SecretKey", LeaveOut),
    ("cognito-identity", "*", None, "Logins", Keys),
    ("dynamodb", "*", None, "AttributeUpdates", Keys),
    ("dynamodb", "*", None, "Attributes", LeaveOut),
    ("dynamodb", "*", None, "Expected", Keys),
    ("dynamodb", "*", None, "ExpressionAttributeValues", LeaveOut),
    ("dynamodb", "*", None, "Item", Keys),
    ("dynamodb", "*", None, "ItemCollectionKey", Plain),
    ("dynamodb", "*", None, "ItemCollectionMetrics", LeaveOut),
    ("dynamodb", "*", None, "Items", LeaveOut),
    ("dynamodb", "*", None, "Key", Plain),
    ("dynamodb", "*", None, "Keys", Plain),
    ("dynamodb", "*", None, "ExclusiveStartKey", Plain),
    ("dynamodb", "*", None, "KeyConditions", Keys),
    ("dynamodb", "*", None, "LastEvaluatedKey", LeaveOut),
    ("dynamodb", "*", None, "Parameters", LeaveOut),
    ("dynamodb", "*", None, "QueryFilter", Keys),
    ("dynamodb", "*", None, "Responses", LeaveOut),
    ("dynamodb", "*", None, "ScanFilter", Keys),
    ("dynamodb", "*", None, "Statement", Statement),
    ("dynamodb", "*", None, "UnprocessedItems", LeaveOut),
    ("dynamodb", "*", None, "UnprocessedKeys", LeaveOut),
    ("dynamodbstreams", "*", Some(Side::Output), "Records", LeaveOut),
    ("ecr", "*", None, "authorizationToken", LeaveOut),
    ("eks-auth", "*", None, "token", Hide),
    ("events", "PutEvents", Some(Side::Input), "Detail", Hide),
    ("iam", "*", None, "AuthenticationCode1", LeaveOut),
    ("iam", "*", None, "AuthenticationCode2", LeaveOut),
    ("iam", "*", None, "Base32StringSeed", LeaveOut),
    ("iam", "*", None, "NewPassword", LeaveOut),
    ("iam", "*", None, "OldPassword", LeaveOut),
    ("iam", "*", None, "Password", LeaveOut),
    ("iam", "*", None, "PrivateKey", LeaveOut),
    ("iam", "*", None, "QRCodePNG", LeaveOut),
    ("iam", "*", None, "SecretAccessKey", LeaveOut),
    ("iam", "*", None, "ServicePassword", LeaveOut),
    ("kms", "*", None, "AttestationDocument", LeaveOut),
    ("kms", "*", None, "Message", LeaveOut),
    ("kms", "*", None, "Plaintext", LeaveOut),
    ("kms", "*", None, "PrivateKeyPlaintext", LeaveOut),
    ("kms", "*", None, "SharedSecret", LeaveOut),
    ("kms", "*", Some(Side::Input), "ImportToken", LeaveOut),
    ("kms", "*", Some(Side::Input), "XksProxyAuthenticationCredential", Hide),
    ("lambda", "*", None, "Variables", LeaveOut),
    ("lambda", "*", None, "ZipFile", LeaveOut),
    ("logs", "PutLogEvents", Some(Side::Input), "logEvents", LeaveOut),
    ("rds", "*", None, "TdeCredentialPassword", Hide),
    ("rds-data", "*", None, "parameters", LeaveOut),
    ("rds-data", "*", None, "parameterSets", LeaveOut),
    ("rds-data", "*", None, "records", LeaveOut),
    ("secretsmanager", "*", None, "RandomPassword", LeaveOut),
    ("secretsmanager", "*", None, "SecretBinary", LeaveOut),
    ("secretsmanager", "*", None, "SecretString", LeaveOut),
    ("sns", "*", Some(Side::Input), "Message", Hide),
    ("sns", "*", Some(Side::Input), "MessageAttributes", Hide),
    ("sns", "*", Some(Side::Input), "PhoneNumber", Hide),
    ("sns", "*", Some(Side::Input), "PublishBatchRequestEntries", Hide),
    ("sns", "*", Some(Side::Input), "Subject", Hide),
    ("sqs", "*", None, "MessageAttributes", Hide),
    ("sqs", "*", None, "MessageBody", Hide),
    ("sqs", "*", None, "MessageSystemAttributes", Hide),
    ("sqs", "*", Some(Side::Output), "Body", Hide),
    ("ssm", "*", None, "StandardOutputContent", Hide),
    ("ssm", "*", None, "StandardErrorContent", Hide),
    ("ssm", "PutParameter", Some(Side::Input), "Value", Hide),
    ("stepfunctions", "*", None, "input", Hide),
    ("stepfunctions", "*", None, "output", Hide),
    ("sts", "*", None, "SAMLAssertion", LeaveOut),
    ("sts", "*", None, "SecretAccessKey", LeaveOut),
    ("sts", "*", None, "TokenCode", LeaveOut),
    ("sts", "*", None, "WebIdentityToken", LeaveOut),
    ("sts", "*", None, "ContextAssertion", LeaveOut),
];

/// What is done with a member of an operation's input or output.
pub(crate) fn verdict(service: &Service, operation: &str, side: Side, member: &Member) -> Verdict {
    let name = service.heading.name.as_str();
    let own = OWN.iter().find(|(of, called, way, told, _)| {
        *of == name && *told == member.name && (*called == "*" || *called == operation) && way.is_none_or(|way| way == side)
    });
    if let Some((.., verdict)) = own {
        return *verdict;
    }
    let shape = service.shape(member.shape);
    if member.sensitive || shape.is_some_and(|shape| shape.sensitive) {
        return Hide;
    }
    let is_text = shape.is_some_and(|shape| matches!(shape.kind, ShapeKind::String | ShapeKind::Blob { .. }));
    if is_text && means_secret(&member.name) { Hide } else { Verdict::Tell }
}

/// Whether a name can mean nothing but a secret.
fn means_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests;
