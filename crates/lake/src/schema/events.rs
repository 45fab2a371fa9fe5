//! CloudTrail events: management, data and network activity events (CloudTrail user guide, "CloudTrail Lake event
//! record contents", in its order).

use super::shadows::SHADOWS;
use super::{Column, EVENT_JSON, EVENT_JSON_CHECKSUM, EVENT_TIME, Field, INTERNAL, Kind, join};

pub(super) const COLUMNS: &[Column] = &join::<80>(&[&DOCUMENTED, &INTERNAL, &SHADOWS]);

const DOCUMENTED: [Column; 35] = [
    Column::shown(100, "eventversion", "eventVersion", Kind::Text),
    Column::shown(200, "useridentity", "userIdentity", Kind::Struct(&USER_IDENTITY)),
    Column::shown(300, EVENT_TIME, "eventTime", Kind::Timestamp).required(),
    Column::needle(400, "eventsource", "eventSource"),
    Column::needle(500, "eventname", "eventName"),
    Column::shown(600, "awsregion", "awsRegion", Kind::Text),
    Column::needle(700, "sourceipaddress", "sourceIPAddress"),
    Column::shown(800, "useragent", "userAgent", Kind::Text),
    Column::needle(900, "errorcode", "errorCode"),
    Column::shown(1_000, "errormessage", "errorMessage", Kind::Text),
    Column::shown(1_100, "requestparameters", "requestParameters", Kind::Map),
    Column::shown(1_200, "responseelements", "responseElements", Kind::Map),
    Column::shown(1_300, "additionaleventdata", "additionalEventData", Kind::Map),
    Column::needle(1_400, "requestid", "requestID"),
    Column::needle(1_500, "eventid", "eventID"),
    Column::shown(1_600, "readonly", "readOnly", Kind::Boolean),
    Column::shown(1_700, "resources", "resources", Kind::List(&RESOURCE)),
    Column::shown(1_800, "eventtype", "eventType", Kind::Text),
    Column::shown(1_900, "apiversion", "apiVersion", Kind::Text),
    Column::shown(2_000, "managementevent", "managementEvent", Kind::Boolean),
    Column::shown(2_100, "recipientaccountid", "recipientAccountId", Kind::Text),
    Column::needle(2_200, "sharedeventid", "sharedEventID"),
    Column::shown(2_300, "annotation", "annotation", Kind::Text),
    Column::needle(2_400, "vpcendpointid", "vpcEndpointId"),
    Column::shown(2_500, "vpcendpointaccountid", "vpcEndpointAccountId", Kind::Text),
    Column::shown(2_600, "serviceeventdetails", "serviceEventDetails", Kind::Map),
    Column::shown(2_700, "addendum", "addendum", Kind::Map),
    Column::shown(2_800, "edgedevicedetails", "edgeDeviceDetails", Kind::Map),
    Column::shown(2_900, "insightdetails", "insightDetails", Kind::Map),
    Column::shown(3_000, "eventcategory", "eventCategory", Kind::Text),
    Column::shown(3_100, "tlsdetails", "tlsDetails", Kind::Struct(&TLS_DETAILS)),
    Column::shown(3_200, "sessioncredentialfromconsole", "sessionCredentialFromConsole", Kind::Text),
    Column::shown(3_300, EVENT_JSON, "", Kind::Text).required(),
    Column { stored: false, ..Column::shown(3_400, EVENT_JSON_CHECKSUM, "", Kind::Text).required() },
    Column::shown(3_500, "eventcontext", "eventContext", Kind::Map),
];

const USER_IDENTITY: [Field; 11] = [
    Field::text(201, "type", "type"),
    Field::text(202, "principalid", "principalId"),
    Field::text(203, "arn", "arn"),
    Field::text(204, "accountid", "accountId"),
    Field::text(205, "accesskeyid", "accessKeyId"),
    Field::text(206, "username", "userName"),
    Field::new(210, "sessioncontext", "sessionContext", Kind::Struct(&SESSION_CONTEXT)),
    Field::text(207, "invokedby", "invokedBy"),
    Field::text(208, "identityprovider", "identityProvider"),
    Field::new(240, "onbehalfof", "onBehalfOf", Kind::Struct(&ON_BEHALF_OF)),
    Field::new(250, "inscopeof", "inScopeOf", Kind::Struct(&IN_SCOPE_OF)),
];

const SESSION_CONTEXT: [Field; 6] = [
    Field::new(211, "attributes", "attributes", Kind::Struct(&SESSION_ATTRIBUTES)),
    Field::new(215, "sessionissuer", "sessionIssuer", Kind::Struct(&SESSION_ISSUER)),
    Field::new(222, "webidfederationdata", "webIdFederationData", Kind::Struct(&WEB_ID_FEDERATION_DATA)),
    Field::text(226, "sourceidentity", "sourceIdentity"),
    Field::text(227, "ec2roledelivery", "ec2RoleDelivery"),
    Field::text(228, "ec2issuedinvpc", "ec2IssuedInVpc"),
];

const SESSION_ATTRIBUTES: [Field; 2] =
    [Field::new(212, "creationdate", "creationDate", Kind::Timestamp), Field::text(213, "mfaauthenticated", "mfaAuthenticated")];

const SESSION_ISSUER: [Field; 5] = [
    Field::text(216, "type", "type"),
    Field::text(217, "principalid", "principalId"),
    Field::text(218, "arn", "arn"),
    Field::text(219, "accountid", "accountId"),
    Field::text(220, "username", "userName"),
];

const WEB_ID_FEDERATION_DATA: [Field; 2] =
    [Field::text(223, "federatedprovider", "federatedProvider"), Field::new(224, "attributes", "attributes", Kind::Map)];

const ON_BEHALF_OF: [Field; 2] = [Field::text(241, "userid", "userId"), Field::text(242, "identitystorearn", "identityStoreArn")];

const IN_SCOPE_OF: [Field; 4] = [
    Field::text(251, "sourcearn", "sourceArn"),
    Field::text(252, "sourceaccount", "sourceAccount"),
    Field::text(253, "issuertype", "issuerType"),
    Field::text(254, "credentialsissuedto", "credentialsIssuedTo"),
];

const RESOURCE: Field = Field::element(1_701, Kind::Struct(&RESOURCE_MEMBERS));

const RESOURCE_MEMBERS: [Field; 4] = [
    Field::text(1_702, "accountid", "accountId"),
    Field::text(1_703, "type", "type"),
    Field::text(1_704, "arn", "ARN"),
    Field::text(1_705, "arnprefix", "ARNPrefix"),
];

const TLS_DETAILS: [Field; 3] = [
    Field::text(3_101, "tlsversion", "tlsVersion"),
    Field::text(3_102, "ciphersuite", "cipherSuite"),
    Field::text(3_103, "clientprovidedhostheader", "clientProvidedHostHeader"),
];
