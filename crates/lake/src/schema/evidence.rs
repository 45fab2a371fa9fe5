//! AWS Audit Manager evidence (CloudTrail user guide, "Supported SQL schema for AWS Audit Manager evidence record
//! fields").

use super::{Column, ENVELOPE, Field, HIDDEN, Kind, join};

pub(super) const COLUMNS: &[Column] = &join::<13>(&[&ENVELOPE, &OWN, &HIDDEN]);

const OWN: [Column; 2] = [
    Column::shown(800, "addendum", "addendum", Kind::Map),
    Column::shown(900, "eventdata", "eventData", Kind::Struct(&EVENT_DATA)),
];

const EVENT_DATA: [Field; 28] = [
    Field::new(901, "attributes", "attributes", Kind::Map),
    Field::text(902, "awsaccountid", "awsAccountId"),
    Field::text(903, "awsorganization", "awsOrganization"),
    Field::text(904, "compliancecheck", "complianceCheck"),
    Field::text(905, "datasource", "dataSource"),
    Field::text(906, "eventname", "eventName"),
    Field::text(907, "eventsource", "eventSource"),
    Field::text(908, "evidenceawsaccountid", "evidenceAwsAccountId"),
    Field::text(909, "evidencebytype", "evidenceByType"),
    Field::text(910, "iamid", "iamId"),
    Field::text(911, "evidenceid", "evidenceId"),
    Field::new(912, "time", "time", Kind::Timestamp),
    Field::text(913, "assessmentid", "assessmentId"),
    Field::text(914, "controlsetid", "controlSetId"),
    Field::text(915, "controlid", "controlId"),
    Field::text(916, "controlname", "controlName"),
    Field::text(917, "controldomainname", "controlDomainName"),
    Field::text(918, "frameworkname", "frameworkName"),
    Field::text(919, "frameworkid", "frameworkId"),
    Field::text(920, "service", "service"),
    Field::text(921, "servicecategory", "serviceCategory"),
    Field::text(922, "resourcearn", "resourceArn"),
    Field::text(923, "resourcetype", "resourceType"),
    Field::text(924, "evidencefolderid", "evidenceFolderId"),
    Field::text(925, "description", "description"),
    Field::text(926, "manualevidences3resourcepath", "manualEvidenceS3ResourcePath"),
    Field::text(927, "evidencefoldername", "evidenceFolderName"),
    Field::text(928, "resourcecompliancecheck", "resourceComplianceCheck"),
];
