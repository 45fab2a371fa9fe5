//! Events of integrations, put in through channels (CloudTrail user guide, "Supported SQL schema for integration
//! event fields").

use super::{Column, ENVELOPE, Field, HIDDEN, Kind, join};

pub(super) const COLUMNS: &[Column] = &join::<20>(&[&ENVELOPE, &OWN, &HIDDEN, &SHADOWS]);

const OWN: [Column; 3] = [
    Column::shown(800, "addendum", "addendum", Kind::Struct(&ADDENDUM)),
    Column::shown(900, "metadata", "metadata", Kind::Struct(&METADATA)),
    Column::shown(1_000, "eventdata", "eventData", Kind::Struct(&EVENT_DATA)),
];

const SHADOWS: [Column; 6] = [
    Column::shadow_needle(101_000, "eventdata.uid", "eventData.UID"),
    Column::shadow(101_001, "eventdata.eventsource", "eventData.eventSource"),
    Column::shadow(101_002, "eventdata.eventname", "eventData.eventName"),
    Column::shadow_needle(101_003, "eventdata.useridentity.principalid", "eventData.userIdentity.principalId"),
    Column::shadow_needle(101_004, "eventdata.sourceipaddress", "eventData.sourceIPAddress"),
    Column::shadow(101_005, "metadata.channelarn", "metadata.channelARN"),
];

const ADDENDUM: [Field; 4] = [
    Field::text(801, "reason", "reason"),
    Field::text(802, "updatedfields", "updatedFields"),
    Field::text(803, "originaluid", "originalUID"),
    Field::text(804, "originaleventid", "originalEventID"),
];

const METADATA: [Field; 2] = [Field::text(901, "ingestiontime", "ingestionTime"), Field::text(902, "channelarn", "channelARN")];

const EVENT_DATA: [Field; 14] = [
    Field::text(1_001, "version", "version"),
    Field::new(1_020, "useridentity", "userIdentity", Kind::Struct(&USER_IDENTITY)),
    Field::text(1_002, "useragent", "userAgent"),
    Field::text(1_003, "eventsource", "eventSource"),
    Field::text(1_004, "eventname", "eventName"),
    // Text, as the application gave it; the column beside `eventdata` is the time.
    Field::text(1_005, "eventtime", "eventTime"),
    Field::text(1_006, "uid", "UID"),
    Field::new(1_007, "requestparameters", "requestParameters", Kind::Map),
    Field::new(1_008, "responseelements", "responseElements", Kind::Map),
    Field::text(1_009, "errorcode", "errorCode"),
    Field::text(1_010, "errormessage", "errorMessage"),
    Field::text(1_011, "sourceipaddress", "sourceIPAddress"),
    Field::text(1_012, "recipientaccountid", "recipientAccountId"),
    Field::new(1_013, "additionaleventdata", "additionalEventData", Kind::Map),
];

const USER_IDENTITY: [Field; 3] = [
    Field::text(1_021, "type", "type"),
    Field::text(1_022, "principalid", "principalId"),
    Field::new(1_023, "details", "details", Kind::Map),
];
