//! What a trail is set to, and how CreateTrail and UpdateTrail change it.

use serde::{Deserialize, Serialize};

use super::{Invalid, check_bucket_name, check_key_prefix, check_name};
use crate::account::AccountId;
use crate::arn::{Arn, trail_arn};
use crate::event::Event;
use crate::json::Json;
use crate::region::Region;

/// The settings of a trail. Named as in `Trail`, but for `log_file_validation`, which requests and answers name
/// differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members of AWS's Trail")]
pub struct Settings {
    /// The name.
    pub name: String,
    /// Whose trail it is.
    pub account: AccountId,
    /// Where it was made, and where alone it can be changed.
    pub home_region: Region,
    /// The bucket that gets the log files.
    pub s3_bucket_name: String,
    /// What the keys of its objects begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_key_prefix: Option<String>,
    /// Whether events of global services are wanted.
    pub include_global_service_events: bool,
    /// Whether it records in every Region.
    pub is_multi_region_trail: bool,
    /// Whether digest files are written.
    pub log_file_validation: bool,
    /// Whether events that its own deliveries cause are wanted.
    pub recursive_logging: bool,
}

/// The arguments of CreateTrail and UpdateTrail: what is absent takes its default, or stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// S3BucketName.
    pub s3_bucket_name: Option<String>,
    /// S3KeyPrefix; the empty text removes it.
    pub s3_key_prefix: Option<String>,
    /// IncludeGlobalServiceEvents.
    pub include_global_service_events: Option<bool>,
    /// IsMultiRegionTrail.
    pub is_multi_region_trail: Option<bool>,
    /// EnableLogFileValidation.
    pub enable_log_file_validation: Option<bool>,
    /// RecursiveLogging.
    pub recursive_logging: Option<bool>,
}

impl Settings {
    /// The settings CreateTrail makes. A missing bucket is a bad bucket name.
    pub fn create(name: &str, change: &Change, account: AccountId, home_region: Region) -> Result<Self, Invalid> {
        check_name(name)?;
        let defaults = Self {
            name: name.to_owned(),
            account,
            home_region,
            s3_bucket_name: String::new(),
            s3_key_prefix: None,
            include_global_service_events: true,
            is_multi_region_trail: false,
            log_file_validation: false,
            recursive_logging: true,
        };
        defaults.update(change)
    }

    /// The settings UpdateTrail makes of these; they are checked whole, whatever was changed. A trail that becomes
    /// multi-Region gets global events with it. One that ceases to be keeps them: AWS's text and its sample
    /// contradict each other here (trails.md §5), and this way nothing is lost unasked.
    pub fn update(&self, change: &Change) -> Result<Self, Invalid> {
        let was_multi_region = self.is_multi_region_trail;
        let is_multi_region_trail = change.is_multi_region_trail.unwrap_or(was_multi_region);
        let grown = is_multi_region_trail && !was_multi_region;
        let settings = Self {
            s3_bucket_name: change.s3_bucket_name.as_ref().unwrap_or(&self.s3_bucket_name).clone(),
            s3_key_prefix: changed_text(change.s3_key_prefix.as_ref(), self.s3_key_prefix.as_ref()),
            include_global_service_events: change
                .include_global_service_events
                .unwrap_or(self.include_global_service_events || grown),
            is_multi_region_trail,
            log_file_validation: change.enable_log_file_validation.unwrap_or(self.log_file_validation),
            recursive_logging: change.recursive_logging.unwrap_or(self.recursive_logging),
            ..self.clone()
        };
        settings.check().map(|()| settings)
    }

    /// The trail's ARN.
    pub fn arn(&self, partition: &str) -> Arn {
        trail_arn(partition, &self.home_region, self.account, &self.name)
    }

    /// Whether an event recorded in that Region is this trail's to judge; selectors come after.
    pub fn covers(&self, event: &Event) -> bool {
        let here = self.is_multi_region_trail || event.region() == self.home_region.as_str();
        here && (self.include_global_service_events || !event.is_global_service())
    }

    /// Whether this event is only there because the trail delivered something, and such events are not wanted.
    pub fn ignores(&self, event: &Event) -> bool {
        !self.recursive_logging && self.caused(event)
    }

    fn caused(&self, event: &Event) -> bool {
        let member = |object: &str, key: &str| event.json(object)?.get(key).and_then(Json::string);
        member("userIdentity", "invokedBy").is_some_and(|by| by == "cloudtrail.amazonaws.com")
            && member("requestParameters", "bucketName").is_some_and(|name| name == self.s3_bucket_name)
    }

    /// AWS checks the combination before the bucket (api.md, "Behaviour pinned by the model text").
    fn check(&self) -> Result<(), Invalid> {
        if self.is_multi_region_trail && !self.include_global_service_events {
            return Err(Invalid::Combination("Multi-Region trail must include global service events.".to_owned()));
        }
        check_bucket_name(&self.s3_bucket_name)?;
        self.s3_key_prefix.as_deref().map_or(Ok(()), check_key_prefix)
    }
}

/// Absent: as it was. Empty: removed.
fn changed_text(new: Option<&String>, old: Option<&String>) -> Option<String> {
    new.or(old).filter(|text| !text.is_empty()).cloned()
}
