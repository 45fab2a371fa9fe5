//! AWS Config configuration items (CloudTrail user guide, "Supported SQL schema for AWS Config configuration item
//! record fields").

use super::{Column, ENVELOPE, Field, HIDDEN, Kind, join};

pub(super) const COLUMNS: &[Column] = &join::<13>(&[&ENVELOPE, &OWN, &HIDDEN]);

const OWN: [Column; 2] = [
    Column::shown(800, "addendum", "addendum", Kind::Map),
    Column::shown(900, "eventdata", "eventData", Kind::Struct(&EVENT_DATA)),
];

const EVENT_DATA: [Field; 17] = [
    Field::text(901, "configurationitemversion", "configurationItemVersion"),
    Field::text(902, "configurationitemcapturetime", "configurationItemCaptureTime"),
    Field::text(903, "configurationitemstatus", "configurationItemStatus"),
    Field::text(904, "configurationitemstateid", "configurationItemStateId"),
    Field::text(905, "accountid", "accountId"),
    Field::text(906, "resourcetype", "resourceType"),
    Field::text(907, "resourceid", "resourceId"),
    Field::text(908, "resourcename", "resourceName"),
    Field::text(909, "arn", "arn"),
    Field::text(910, "awsregion", "awsRegion"),
    Field::text(911, "availabilityzone", "availabilityZone"),
    Field::text(912, "resourcecreationtime", "resourceCreationTime"),
    Field::new(913, "configuration", "configuration", Kind::Map),
    Field::new(914, "supplementaryconfiguration", "supplementaryConfiguration", Kind::Map),
    Field::text(915, "relatedevents", "relatedEvents"),
    // AWS prints a plain struct; records hold an array of them.
    Field::new(920, "relationships", "relationships", Kind::List(&RELATIONSHIP)),
    Field::new(916, "tags", "tags", Kind::Map),
];

const RELATIONSHIP: Field = Field::element(921, Kind::Struct(&RELATIONSHIP_MEMBERS));

const RELATIONSHIP_MEMBERS: [Field; 4] = [
    Field::text(922, "name", "name"),
    Field::text(923, "resourcetype", "resourceType"),
    Field::text(924, "resourceid", "resourceId"),
    Field::text(925, "resourcename", "resourceName"),
];
