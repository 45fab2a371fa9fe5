//! What kind of event it is, told from fields that records of different ages spell differently.

use std::fmt;

use super::fields::{Field, Fields};
use super::{Event, text_at};
use crate::json::Json;
use crate::region;

/// eventCategory (event-record.md, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Operations on resources themselves, and sign-in.
    Management,
    /// Operations on or in a resource: objects, items, messages.
    Data,
    /// The copy for the owner of a VPC endpoint.
    NetworkActivity,
    /// Derived by CloudTrail from others.
    Insight,
    /// Five-minute summaries.
    Aggregated,
    /// AWS Config's description of a resource.
    ConfigurationItem,
    /// What AWS Audit Manager collected.
    Evidence,
    /// What a channel took in: activity outside AWS (channels.md, section 7).
    ActivityAuditLog,
}

/// How records spell [`Category::ActivityAuditLog`].
const ACTIVITY: &str = "ActivityAuditLog";

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// eventCategory where it is one we know; else what eventType, insightDetails and managementEvent say.
pub(super) fn of(fields: &Fields, text: &str) -> Category {
    let field = |field| fields.get(field).map(|span| Json::of(text_at(text, span)));
    let text = |name| field(name).and_then(Json::string);
    match text(Field::EventCategory).as_deref() {
        Some("Management") => return Category::Management,
        Some("Data") => return Category::Data,
        Some("NetworkActivity") => return Category::NetworkActivity,
        Some("Insight") => return Category::Insight,
        Some("Aggregated") => return Category::Aggregated,
        Some("ConfigurationItem") => return Category::ConfigurationItem,
        Some("Evidence") => return Category::Evidence,
        Some(ACTIVITY) => return Category::ActivityAuditLog,
        _ => {}
    }
    match text(Field::EventType).as_deref() {
        Some("AwsVpceEvent" | "AwsVpceEvents") => return Category::NetworkActivity,
        Some("AwsCloudTrailInsight") => return Category::Insight,
        Some("AwsAggregatedEvent") => return Category::Aggregated,
        _ => {}
    }
    if field(Field::InsightDetails).is_some_and(Json::is_object) {
        Category::Insight
    } else if field(Field::ManagementEvent).and_then(Json::boolean) == Some(false) {
        Category::Data
    } else {
        Category::Management
    }
}

/// Whether it is an event of a channel; only eventCategory says so.
pub(super) fn is_activity(fields: &Fields, text: &str) -> bool {
    let category = fields.get(Field::EventCategory).map(|span| Json::of(text_at(text, span)));
    category.and_then(Json::string).is_some_and(|category| category == ACTIVITY)
}

/// Services without Regions (event-record.md, section 8). STS is one at its global endpoint only: the record says
/// so in additionalEventData.RequestDetails or by the host that was called; where it does not say, the leader
/// Region's events count as global, as AWS counted them before it told the endpoints apart.
pub(super) fn is_global_service(event: &Event) -> bool {
    if event.region() != region::LEADER {
        return false;
    }
    match event.event_source().as_ref() {
        "sts.amazonaws.com" => at_global_endpoint(event),
        source => is_without_regions(source),
    }
}

/// Whether the service with that eventSource has no Regions: its events are in the partition's leader Region.
pub fn is_without_regions(event_source: &str) -> bool {
    matches!(
        event_source,
        "iam.amazonaws.com"
            | "cloudfront.amazonaws.com"
            | "route53.amazonaws.com"
            | "route53domains.amazonaws.com"
            | "organizations.amazonaws.com"
            | "waf.amazonaws.com"
            | "shield.amazonaws.com"
    )
}

fn at_global_endpoint(event: &Event) -> bool {
    let said = |field, path: [&str; 2]| {
        let value = path.iter().filter(|key| !key.is_empty()).try_fold(event.field(field)?, |value, key| value.get(key));
        value?.string()
    };
    if let Some(kind) = said(Field::AdditionalEventData, ["RequestDetails", "endpointType"]) {
        return kind != "regional";
    }
    let host = said(Field::TlsDetails, ["clientProvidedHostHeader", ""]);
    host.is_none_or(|host| host == "sts.amazonaws.com")
}
