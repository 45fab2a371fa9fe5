//! Records of what Trailkeep itself did or noticed, with nobody calling (event-record.md, section 5).

use bytes::Bytes;
use serde_json::value::RawValue;

use super::render::Object;
use super::{EVENT_VERSION, PARAMETERS_BYTES_MAX};
use crate::account::AccountId;
use crate::event::time_text;
use crate::region::Region;

/// Something that happened without a call.
#[derive(Debug, Clone)]
pub struct ServiceEvent {
    /// Unique per record.
    pub event_id: String,
    /// When it was over.
    pub event_time_s: i64,
    /// Which service it is of; it also stands where a call has its caller's address.
    pub event_source: String,
    /// What happened.
    pub event_name: String,
    /// Where.
    pub region: Region,
    /// In whose log the record stands.
    pub recipient: AccountId,
    /// serviceEventDetails; omitted when larger than 100 KB.
    pub details: Box<RawValue>,
}

impl ServiceEvent {
    /// The record's bytes: compact, in CloudTrail's order.
    pub fn render(&self) -> Bytes {
        let mut identity = Object::new();
        identity.text("accountId", self.recipient.as_str());
        identity.text("invokedBy", &self.event_source);
        let mut record = Object::new();
        record.text("eventVersion", EVENT_VERSION);
        record.object("userIdentity", identity);
        record.text("eventTime", &time_text(self.event_time_s));
        record.text("eventSource", &self.event_source);
        record.text("eventName", &self.event_name);
        record.text("awsRegion", self.region.as_str());
        record.text("sourceIPAddress", &self.event_source);
        record.text("userAgent", &self.event_source);
        record.raw("requestParameters", "null");
        record.raw("responseElements", "null");
        record.text("eventID", &self.event_id);
        record.truth("readOnly", false);
        record.text("eventType", "AwsServiceEvent");
        record.truth("managementEvent", true);
        record.text("recipientAccountId", self.recipient.as_str());
        record.bounded("serviceEventDetails", &self.details, PARAMETERS_BYTES_MAX, &[]);
        record.text("eventCategory", "Management");
        Bytes::from(record.close())
    }
}
