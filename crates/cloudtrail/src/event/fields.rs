//! The top-level fields of a record (event-record.md, section 2), and where their values stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

macro_rules! fields {
    ($($field:ident $name:literal,)+) => {
        /// A top-level field CloudTrail knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($field,)+ }

        impl Field {
            const COUNT: usize = [$($name,)+].len();

            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)+ }
            }

            pub(super) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$field),)+ _ => None }
            }
        }
    };
}

fields! {
    EventVersion "eventVersion",
    UserIdentity "userIdentity",
    EventTime "eventTime",
    EventSource "eventSource",
    EventName "eventName",
    AwsRegion "awsRegion",
    SourceIpAddress "sourceIPAddress",
    UserAgent "userAgent",
    ErrorCode "errorCode",
    ErrorMessage "errorMessage",
    RequestParameters "requestParameters",
    ResponseElements "responseElements",
    AdditionalEventData "additionalEventData",
    RequestId "requestID",
    EventId "eventID",
    ReadOnly "readOnly",
    Resources "resources",
    EventType "eventType",
    ApiVersion "apiVersion",
    ManagementEvent "managementEvent",
    RecipientAccountId "recipientAccountId",
    ServiceEventDetails "serviceEventDetails",
    SharedEventId "sharedEventID",
    VpcEndpointId "vpcEndpointId",
    VpcEndpointAccountId "vpcEndpointAccountId",
    EventCategory "eventCategory",
    Addendum "addendum",
    SessionCredentialFromConsole "sessionCredentialFromConsole",
    EdgeDeviceDetails "edgeDeviceDetails",
    TlsDetails "tlsDetails",
    EventContext "eventContext",
    InsightDetails "insightDetails",
    Annotation "annotation",
}

/// Where a value stands in a record. Records are at most 1 MiB, so 32 bits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The places of the known fields' values; an empty span is a field that is not there.
#[derive(Debug, Clone)]
pub(super) struct Fields([Span; Field::COUNT]);

impl Fields {
    pub(super) fn new() -> Self {
        Self([Span::default(); Field::COUNT])
    }

    pub(super) fn get(&self, field: Field) -> Option<Span> {
        self.0.get(field as usize).copied().filter(|span| *span != Span::default())
    }

    /// Notes where a field's value is. False when it has a place already.
    pub(super) fn set(&mut self, field: Field, span: Span) -> bool {
        let Some(place) = self.0.get_mut(field as usize) else { return false };
        let first = *place == Span::default();
        *place = span;
        first
    }
}

/// The keys met so far, to refuse one that comes twice. Known fields are told by their place; only the unknown
/// ones are remembered.
pub(super) struct Keys<'a> {
    unknown: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new() -> Self {
        Self { unknown: HashSet::new() }
    }

    /// Notes a key and its value's place. False when the key was there before.
    pub(super) fn note(&mut self, fields: &mut Fields, key: Cow<'a, str>, value: Span) -> bool {
        match Field::named(&key) {
            Some(field) => fields.set(field, value),
            None => self.unknown.insert(key),
        }
    }
}
