//! From a call to the bytes of its record.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    ADDITIONAL_BYTES_MAX, ApiCall, CallerIdentity, EVENT_VERSION, PARAMETERS_BYTES_MAX, RESOURCES_MAX, Resource, ResourceArn,
    TEXT_BYTES_MAX, TlsDetails,
};
use crate::account::AccountId;
use crate::event::{NAME_CHARS_MAX, SIZE_MAX, time_text};

/// What is given up, in this order, when all fields are within their limits and the record is still too large
/// (event-record.md, section 3).
const GIVEN_UP: [&str; 8] = [
    "requestID",
    "additionalEventData",
    "userAgent",
    "errorCode",
    "responseElements",
    "requestParameters",
    "errorMessage",
    "resources",
];

/// What a cut text ends with.
const CUT: &str = "...";

pub(super) fn render(call: &ApiCall) -> Bytes {
    let mut given_up = 0;
    loop {
        let record = write(call, GIVEN_UP.get(..given_up).unwrap_or_default());
        if record.len() <= SIZE_MAX || given_up == GIVEN_UP.len() {
            return Bytes::from(record);
        }
        given_up += 1;
    }
}

fn write(call: &ApiCall, given_up: &[&str]) -> Vec<u8> {
    let mut record = Object::new();
    record.text("eventVersion", EVENT_VERSION);
    record.object("userIdentity", identity(&call.identity));
    record.text("eventTime", &time_text(call.event_time_s));
    record.text("eventSource", &call.event_source);
    record.text("eventName", &cut(&call.event_name, NAME_CHARS_MAX));
    record.text("awsRegion", call.region.as_str());
    record.text("sourceIPAddress", &cut(&call.source_ip, TEXT_BYTES_MAX));
    record.cut_text("userAgent", call.user_agent.as_deref(), given_up);
    record.cut_text("errorCode", call.error.as_ref().map(|(code, _)| code.as_str()), given_up);
    let message = call.error.as_ref().map(|(_, message)| message.as_str()).filter(|message| !message.is_empty());
    record.cut_text("errorMessage", message, given_up);
    record.parameters("requestParameters", call.request_parameters.as_deref(), given_up);
    record.parameters("responseElements", call.response_elements.as_deref(), given_up);
    if let Some(data) = call.additional_event_data.as_deref() {
        record.bounded("additionalEventData", data, ADDITIONAL_BYTES_MAX, given_up);
    }
    record.cut_text("requestID", call.request_id.as_deref(), given_up);
    record.text("eventID", &call.event_id);
    record.truth("readOnly", call.read_only);
    if !call.resources.is_empty() && !given_up.contains(&"resources") {
        record.raw("resources", &resources(&call.resources));
    }
    record.text("eventType", "AwsApiCall");
    record.optional("apiVersion", call.api_version.as_deref());
    record.truth("managementEvent", call.management);
    record.text("recipientAccountId", call.recipient.as_str());
    record.optional("sharedEventID", call.shared_event_id.as_deref());
    record.text("eventCategory", if call.management { "Management" } else { "Data" });
    if let Some(tls) = &call.tls {
        record.object("tlsDetails", tls_details(tls));
    }
    record.close()
}

fn identity(caller: &CallerIdentity) -> Object {
    let mut identity = Object::new();
    match caller {
        CallerIdentity::Root { account, access_key_id } => {
            identity.text("type", "Root");
            identity.text("principalId", account.as_str());
            identity.text("arn", &root_arn(*account));
            identity.text("accountId", account.as_str());
            identity.text("accessKeyId", access_key_id);
        }
        CallerIdentity::Token { account, token_id } => {
            identity.text("type", "Unknown");
            identity.text("principalId", token_id);
            identity.text("accountId", account.as_str());
            identity.text("credentialId", token_id);
        }
        CallerIdentity::Account { account } => {
            identity.text("type", "AWSAccount");
            identity.text("principalId", account.as_str());
            identity.text("accountId", account.as_str());
        }
        CallerIdentity::Principal(principal) => principal.write(&mut identity),
        CallerIdentity::Unknown { access_key_id } => {
            identity.text("type", "Unknown");
            identity.optional("accessKeyId", access_key_id.as_deref());
        }
        CallerIdentity::Anonymous => {
            identity.text("type", "AWSAccount");
            identity.text("principalId", "");
            identity.text("accountId", "ANONYMOUS_PRINCIPAL");
        }
        CallerIdentity::Service { invoked_by } => {
            identity.text("type", "AWSService");
            identity.text("invokedBy", invoked_by);
        }
    }
    identity
}

fn root_arn(account: AccountId) -> String {
    format!("arn:aws:iam::{account}:root")
}

fn resources(resources: &[Resource]) -> String {
    let entries: Vec<String> = resources.iter().take(RESOURCES_MAX).map(resource).collect();
    format!("[{}]", entries.join(","))
}

fn resource(resource: &Resource) -> String {
    let mut entry = Object::new();
    entry.optional("accountId", resource.account.as_ref().map(AccountId::as_str));
    entry.optional("type", resource.type_.as_deref());
    match &resource.arn {
        ResourceArn::Whole(arn) => entry.text("ARN", arn),
        ResourceArn::Prefix(arn) => entry.text("ARNPrefix", arn),
        ResourceArn::Untold => {}
    }
    String::from_utf8(entry.close()).expect("JSON is written as UTF-8")
}

fn tls_details(tls: &TlsDetails) -> Object {
    let mut details = Object::new();
    details.text("tlsVersion", &tls.version);
    details.text("cipherSuite", &tls.cipher_suite);
    details.optional("clientProvidedHostHeader", tls.client_provided_host_header.as_deref());
    details
}

/// A JSON object being written.
pub(super) struct Object(Vec<u8>);

impl Object {
    pub(super) fn new() -> Self {
        Self(vec![b'{'])
    }

    pub(super) fn close(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    pub(super) fn into_raw(self) -> Box<RawValue> {
        let text = String::from_utf8(self.close()).expect("JSON is written as UTF-8");
        RawValue::from_string(text).expect("an object of strings, numbers and raw values is JSON")
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        serde_json::to_writer(&mut self.0, value).expect("a string can be written to memory");
    }

    pub(super) fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.raw(key, &value.to_string());
    }

    pub(super) fn truth(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    pub(super) fn object(&mut self, key: &str, value: Self) {
        self.key(key);
        self.0.extend_from_slice(&value.close());
    }

    pub(super) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, key).expect("a string can be written to memory");
        self.0.push(b':');
    }

    fn cut_text(&mut self, key: &str, value: Option<&str>, given_up: &[&str]) {
        let max = if given_up.contains(&key) { CUT.len() } else { TEXT_BYTES_MAX };
        if let Some(value) = value {
            self.text(key, &cut(value, max));
        }
    }

    fn parameters(&mut self, key: &str, value: Option<&RawValue>, given_up: &[&str]) {
        match value.filter(|value| value.get() != "{}") {
            Some(value) => self.bounded(key, value, PARAMETERS_BYTES_MAX, given_up),
            None => self.raw(key, "null"),
        }
    }

    /// An object that is replaced by a marker when it is too large: it is never cut inside.
    pub(super) fn bounded(&mut self, key: &str, value: &RawValue, max: usize, given_up: &[&str]) {
        let size = value.get().len();
        if size > max || given_up.contains(&key) {
            self.raw(key, &format!("{{\"omitted\":true,\"originalSize\":{size},\"reason\":\"{key} too large\"}}"));
        } else {
            self.raw(key, value.get());
        }
    }
}

/// A text of at most `max` bytes; what was cut ends with three dots.
fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(max.saturating_sub(CUT.len()));
    Cow::Owned(format!("{}{CUT}", text.get(..end).unwrap_or_default()))
}
