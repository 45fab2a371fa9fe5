//! What a store is set to, and how CreateEventDataStore and UpdateEventDataStore change it.

use serde::{Deserialize, Serialize};

use super::{Family, Invalid, RETENTION_DAYS_MIN, check_name};
use crate::account::AccountId;
use crate::arn::{Arn, event_data_store_arn};
use crate::region::Region;
use crate::selectors::{AdvancedEventSelector, AdvancedFieldSelector, SelectorError, check_store_selectors};

/// What AWS calls the selector of a store that was told none.
pub const DEFAULT_SELECTOR_NAME: &str = "Default management events";

/// How a store is paid for on AWS; here it says how long events can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BillingMode {
    /// Up to about ten years.
    ExtendableRetentionPricing,
    /// Up to about seven years.
    FixedRetentionPricing,
}

impl BillingMode {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExtendableRetentionPricing => "EXTENDABLE_RETENTION_PRICING",
            Self::FixedRetentionPricing => "FIXED_RETENTION_PRICING",
        }
    }

    /// The mode of that word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::ExtendableRetentionPricing, Self::FixedRetentionPricing].into_iter().find(|mode| mode.as_str() == word)
    }

    /// How long events are kept unless the caller says (CloudTrail API reference, CreateEventDataStore).
    pub fn retention_days_default(self) -> u16 {
        match self {
            Self::ExtendableRetentionPricing => 366,
            Self::FixedRetentionPricing => 2557,
        }
    }

    /// How long events can be kept (same page).
    pub fn retention_days_max(self) -> u16 {
        match self {
            Self::ExtendableRetentionPricing => 3653,
            Self::FixedRetentionPricing => 2557,
        }
    }
}

/// The settings of a store. They passed the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The name, unique in its account and Region.
    pub name: String,
    /// Whose store it is.
    pub account: AccountId,
    /// Where it was made, and where alone it is seen.
    pub home_region: Region,
    /// Whether it takes the events of all Regions.
    pub multi_region: bool,
    /// How old events may be, by eventTime.
    pub retention_days: u16,
    /// Whether it is kept from being deleted.
    pub termination_protection: bool,
    /// What bounds the retention.
    pub billing_mode: BillingMode,
    /// Which live events it wants.
    pub selectors: Vec<AdvancedEventSelector>,
}

/// The arguments of CreateEventDataStore and UpdateEventDataStore: what is absent takes its default, or stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Name.
    pub name: Option<String>,
    /// AdvancedEventSelectors.
    pub selectors: Option<Vec<AdvancedEventSelector>>,
    /// MultiRegionEnabled.
    pub multi_region: Option<bool>,
    /// RetentionPeriod.
    pub retention_days: Option<i64>,
    /// TerminationProtectionEnabled.
    pub termination_protection: Option<bool>,
    /// BillingMode.
    pub billing_mode: Option<BillingMode>,
}

impl Settings {
    /// The settings CreateEventDataStore makes. A store for events of integrations is single-Region unless the caller says
    /// otherwise, because it can be nothing else.
    pub fn create(change: &Change, account: AccountId, home_region: Region) -> Result<Self, Invalid> {
        let billing_mode = change.billing_mode.unwrap_or(BillingMode::ExtendableRetentionPricing);
        let selectors = change.selectors.clone().unwrap_or_else(default_selectors);
        let retention_days = retention(change.retention_days, billing_mode)?;
        let settings = Self {
            name: change.name.clone().unwrap_or_default(),
            account,
            home_region,
            multi_region: change.multi_region.unwrap_or_else(|| family_of(&selectors).can_be_multi_region()),
            retention_days: retention_days.unwrap_or_else(|| billing_mode.retention_days_default()),
            termination_protection: change.termination_protection.unwrap_or(true),
            billing_mode,
            selectors,
        };
        settings.check().map(|()| settings)
    }

    /// The settings UpdateEventDataStore makes of these. What a store holds and how it is paid for cannot be turned back.
    pub fn update(&self, change: &Change) -> Result<Self, Invalid> {
        if *change == Change::default() {
            return Err(Invalid::Parameter("Specify at least one setting of the event data store to change.".to_owned()));
        }
        let billing_mode = change.billing_mode.unwrap_or(self.billing_mode);
        if self.billing_mode == BillingMode::ExtendableRetentionPricing && billing_mode != self.billing_mode {
            return Err(Invalid::Parameter(format!(
                "The billing mode of an event data store cannot be changed from {} to {}.",
                self.billing_mode.as_str(),
                billing_mode.as_str()
            )));
        }
        let settings = Self {
            name: change.name.as_ref().unwrap_or(&self.name).clone(),
            multi_region: change.multi_region.unwrap_or(self.multi_region),
            retention_days: retention(change.retention_days, billing_mode)?.unwrap_or(self.retention_days),
            termination_protection: change.termination_protection.unwrap_or(self.termination_protection),
            billing_mode,
            selectors: change.selectors.as_ref().unwrap_or(&self.selectors).clone(),
            account: self.account,
            home_region: self.home_region.clone(),
        };
        settings.check()?;
        if settings.family() != self.family() {
            return Err(SelectorError::new(
                "The advanced event selectors of an event data store cannot be changed to another kind of event.",
            )
            .into());
        }
        Ok(settings)
    }

    /// What kind of events it holds.
    pub fn family(&self) -> Family {
        family_of(&self.selectors)
    }

    /// How old events may be, by eventTime, in microseconds.
    pub fn retention_us(&self) -> i64 {
        i64::from(self.retention_days) * 86_400_000_000
    }

    /// The ARN of the store with that id.
    pub fn arn(&self, partition: &str, id: &str) -> Arn {
        event_data_store_arn(partition, &self.home_region, self.account, id)
    }

    fn check(&self) -> Result<(), Invalid> {
        check_name(&self.name)?;
        check_store_selectors(&self.selectors)?;
        if self.multi_region && !self.family().can_be_multi_region() {
            return Err(Invalid::Parameter(
                "An event data store for ActivityAuditLog events must not be a multi-Region event data store.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// All management events, as AWS selects them for a store that was told nothing.
fn default_selectors() -> Vec<AdvancedEventSelector> {
    let category = AdvancedFieldSelector {
        field: "eventCategory".to_owned(),
        equals: vec!["Management".to_owned()],
        ..AdvancedFieldSelector::default()
    };
    vec![AdvancedEventSelector { name: Some(DEFAULT_SELECTOR_NAME.to_owned()), field_selectors: vec![category] }]
}

/// The family of legal selectors; they all are of one.
fn family_of(selectors: &[AdvancedEventSelector]) -> Family {
    let fields = selectors.iter().flat_map(|selector| &selector.field_selectors);
    let mut categories = fields.filter(|field| field.field == "eventCategory").flat_map(|field| &field.equals);
    categories.find_map(|category| Family::of_category(category)).unwrap_or(Family::Events)
}

fn retention(days: Option<i64>, mode: BillingMode) -> Result<Option<u16>, Invalid> {
    let Some(days) = days else { return Ok(None) };
    let (min, max) = (RETENTION_DAYS_MIN, mode.retention_days_max());
    match u16::try_from(days) {
        Ok(days) if (min..=max).contains(&days) => Ok(Some(days)),
        _ => Err(Invalid::Parameter(format!("RetentionPeriod must be {min} to {max} days with {}, not {days}.", mode.as_str()))),
    }
}
