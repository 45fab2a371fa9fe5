//! Which fields, operators and values the advanced selectors of a trail (trails.md §9.1, §9.3) or of an event data store
//! (lake.md §5) may have. AWS's messages for these are not known; ours name the field.

use super::basic::is_function;
use super::{
    ADVANCED_VALUES_MAX, AdvancedEventSelector, AdvancedFieldSelector, EXCLUDABLE_SOURCES, NAME_CHARS_MAX, SelectorError,
    VALUE_CHARS_MAX, resource_types,
};
use crate::arn::Arn;
use crate::event_data_store::{Family, SELECTORS_MAX};

/// Whose selectors they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Trail,
    Store,
}

impl Target {
    fn noun(self) -> &'static str {
        match self {
            Self::Trail => "a trail",
            Self::Store => "an event data store",
        }
    }

    /// The fields of selectors of that category.
    fn rules(self, category: &str) -> &'static [Rule] {
        match (category, self) {
            ("Management", Self::Trail) => MANAGEMENT,
            ("Management", Self::Store) => STORE_MANAGEMENT,
            ("Data", _) => DATA,
            ("NetworkActivity", Self::Trail) => NETWORK_ACTIVITY,
            ("NetworkActivity", Self::Store) => STORE_NETWORK_ACTIVITY,
            _ => &[],
        }
    }

    fn category(self) -> Rule {
        let categories = if self == Self::Trail { Values::One(CATEGORIES) } else { Values::Category };
        required("eventCategory", EQUALS, categories)
    }
}

/// What a category allows for a field.
struct Rule {
    field: &'static str,
    operators: &'static [&'static str],
    values: Values,
    required: bool,
}

/// What the values may be.
#[derive(Clone, Copy)]
enum Values {
    Any,
    /// Exactly one, and one of these.
    One(&'static [&'static str]),
    /// Any number of these.
    Of(&'static [&'static str]),
    /// One eventCategory of any family of stores.
    Category,
    /// One type of resource.
    ResourceType,
    /// One event source.
    EventSource,
    /// ARNs of the selector's type where they are compared whole.
    Arn,
}

const EQUALS: &[&str] = &["Equals"];
const NOT_EQUALS: &[&str] = &["NotEquals"];
const ALL: &[&str] = &["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"];
const BOOLEANS: Values = Values::One(&["true", "false"]);
const CATEGORIES: &[&str] = &["Management", "Data", "NetworkActivity"];

const fn optional(field: &'static str, operators: &'static [&'static str], values: Values) -> Rule {
    Rule { field, operators, values, required: false }
}

const fn required(field: &'static str, operators: &'static [&'static str], values: Values) -> Rule {
    Rule { field, operators, values, required: true }
}

const MANAGEMENT: &[Rule] =
    &[optional("readOnly", EQUALS, BOOLEANS), optional("eventSource", NOT_EQUALS, Values::Of(&EXCLUDABLE_SOURCES))];

const DATA: &[Rule] = &[
    required("resources.type", EQUALS, Values::ResourceType),
    optional("readOnly", EQUALS, BOOLEANS),
    optional("eventName", ALL, Values::Any),
    optional("eventSource", ALL, Values::Any),
    optional("eventType", ALL, Values::Any),
    optional("userIdentity.arn", ALL, Values::Any),
    optional("resources.ARN", ALL, Values::Arn),
    optional("sessionCredentialFromConsole", &["Equals", "NotEquals"], Values::One(&["true"])),
];

const NETWORK_ACTIVITY: &[Rule] = &[
    required("eventSource", EQUALS, Values::EventSource),
    optional("eventName", ALL, Values::Any),
    optional("vpcEndpointId", ALL, Values::Any),
    optional("userIdentity.arn", ALL, Values::Any),
    optional("errorCode", EQUALS, Values::One(&["VpceAccessDenied"])),
];

const STORE_MANAGEMENT: &[Rule] = &[
    optional("readOnly", EQUALS, BOOLEANS),
    optional("eventName", ALL, Values::Any),
    optional("eventSource", ALL, Values::Any),
    optional("eventType", ALL, Values::Any),
    optional("userIdentity.arn", ALL, Values::Any),
    optional("sessionCredentialFromConsole", &["Equals", "NotEquals"], BOOLEANS),
];

const STORE_NETWORK_ACTIVITY: &[Rule] = &[
    required("eventSource", EQUALS, Values::EventSource),
    optional("eventName", ALL, Values::Any),
    optional("vpcEndpointId", ALL, Values::Any),
    optional("errorCode", EQUALS, Values::One(&["VpceAccessDenied"])),
];

/// The rules for all advanced selectors of a trail.
pub(super) fn check_trail(selectors: &[AdvancedEventSelector]) -> Result<(), SelectorError> {
    check(selectors, Target::Trail)
}

/// The rules for all advanced selectors of an event data store. They are of one family, and those of other families than
/// CloudTrail events consist of one selector with one condition.
pub fn check_store(selectors: &[AdvancedEventSelector]) -> Result<(), SelectorError> {
    check(selectors, Target::Store)?;
    if selectors.len() > SELECTORS_MAX {
        return Err(SelectorError::new(format!(
            "Specify at most {SELECTORS_MAX} advanced event selectors for an event data store."
        )));
    }
    let category = |selector| find(selector, "eventCategory").and_then(|field| field.equals.first());
    let others = |category: &&String| Family::of_category(category) != Some(Family::Events);
    match selectors.iter().filter_map(category).find(others) {
        Some(category) if selectors.len() > 1 => Err(SelectorError::new(format!(
            "The event category {category} cannot be combined with another advanced event selector in an event data store."
        ))),
        _ => Ok(()),
    }
}

fn check(selectors: &[AdvancedEventSelector], target: Target) -> Result<(), SelectorError> {
    if selectors.is_empty() {
        let message = format!("Specify at least one advanced event selector for {}.", target.noun());
        return Err(SelectorError::new(message));
    }
    let values: usize = selectors.iter().flat_map(|s| &s.field_selectors).map(|field| field.values().count()).sum();
    if values > ADVANCED_VALUES_MAX {
        let message =
            format!("Specify a valid number of values (1 to {ADVANCED_VALUES_MAX}) for all your advanced event selectors.");
        return Err(SelectorError::new(message));
    }
    selectors.iter().try_for_each(|selector| check_selector(selector, target))
}

fn check_selector(selector: &AdvancedEventSelector, target: Target) -> Result<(), SelectorError> {
    if selector.name.as_deref().unwrap_or_default().chars().count() > NAME_CHARS_MAX {
        return Err(SelectorError::new(format!(
            "The name of an advanced event selector has at most {NAME_CHARS_MAX} characters."
        )));
    }
    let fields = &selector.field_selectors;
    if fields.is_empty() {
        return Err(SelectorError::new("Specify at least one field selector in each advanced event selector."));
    }
    for (nth, field) in fields.iter().enumerate() {
        check_shape(field)?;
        if fields.iter().take(nth).any(|other| other.field == field.field) {
            return Err(SelectorError::new(format!("Field {} is given twice in an advanced event selector.", field.field)));
        }
    }
    let category = category(selector, target)?;
    let rules = target.rules(category);
    for field in fields.iter().filter(|field| field.field != "eventCategory") {
        let rule = rules.iter().find(|rule| rule.field == field.field).ok_or_else(|| {
            let (name, target) = (&field.field, target.noun());
            SelectorError::new(format!("Field {name} is invalid for the event category {category} of {target}."))
        })?;
        check_field(field, rule, selector)?;
    }
    match rules.iter().find(|rule| rule.required && find(selector, rule.field).is_none()) {
        Some(rule) => Err(SelectorError::new(format!("Field {} is required for the event category {category}.", rule.field))),
        None => Ok(()),
    }
}

/// What holds for every field.
fn check_shape(field: &AdvancedFieldSelector) -> Result<(), SelectorError> {
    let name = &field.field;
    let mut values = field.values().peekable();
    if values.peek().is_none() {
        return Err(SelectorError::new(format!("Specify at least one operator with a value for the field {name}.")));
    }
    if values.any(|value| !(1..=VALUE_CHARS_MAX).contains(&value.chars().count())) {
        return Err(SelectorError::new(format!("A value for the field {name} has 1 to {VALUE_CHARS_MAX} characters.")));
    }
    Ok(())
}

fn category(selector: &AdvancedEventSelector, target: Target) -> Result<&str, SelectorError> {
    let rule = target.category();
    let Some(field) = find(selector, rule.field) else {
        return Err(SelectorError::new("Field eventCategory is required in each advanced event selector."));
    };
    check_field(field, &rule, selector)?;
    Ok(field.equals.first().map_or("", String::as_str))
}

fn check_field(field: &AdvancedFieldSelector, rule: &Rule, selector: &AdvancedEventSelector) -> Result<(), SelectorError> {
    let name = &field.field;
    for (operator, values) in field.operators() {
        if !values.is_empty() && !rule.operators.contains(&operator) {
            return Err(SelectorError::new(format!("Operator {operator} is invalid for the field {name}.")));
        }
    }
    let single = matches!(rule.values, Values::One(_) | Values::Category | Values::ResourceType | Values::EventSource);
    if single && field.operators().iter().any(|(_, values)| values.len() > 1) {
        return Err(SelectorError::new(format!("Specify exactly one value for the field {name}.")));
    }
    let invalid = |value: &str| SelectorError::new(format!("Value {value} for the field {name} is invalid."));
    match field.values().find(|value| !is_legal(value, rule.values)) {
        Some(value) => Err(invalid(value)),
        None if matches!(rule.values, Values::Arn) => check_arns(field, selector),
        None => Ok(()),
    }
}

fn is_legal(value: &str, values: Values) -> bool {
    match values {
        Values::Any | Values::Arn => true,
        Values::One(legal) | Values::Of(legal) => legal.contains(&value),
        Values::Category => Family::of_category(value).is_some(),
        Values::ResourceType => resource_types::is_well_formed(value),
        Values::EventSource => is_event_source(value),
    }
}

/// `resources.ARN`: what is compared whole must be an ARN that a resource of the type can have.
fn check_arns(field: &AdvancedFieldSelector, selector: &AdvancedEventSelector) -> Result<(), SelectorError> {
    let type_ = find(selector, "resources.type").and_then(|field| field.equals.first()).map_or("", String::as_str);
    if !resource_types::has_arns(type_) {
        return Err(SelectorError::new(format!("Field resources.ARN is invalid for {type_}, which has no ARNs.")));
    }
    let bad = |value: &&String| !value.parse::<Arn>().is_ok_and(|arn| can_have(type_, &arn));
    match field.equals.iter().chain(&field.not_equals).find(bad) {
        Some(value) => Err(SelectorError::new(format!("Value {value} for the field resources.ARN is invalid for {type_}."))),
        None => Ok(()),
    }
}

fn can_have(type_: &str, arn: &Arn) -> bool {
    let shape = match type_ {
        "AWS::S3::Object" => arn.resource.contains('/'),
        "AWS::Lambda::Function" => is_function(arn),
        "AWS::DynamoDB::Table" => arn.resource.starts_with("table/"),
        _ => true,
    };
    shape && resource_types::arn_service(type_).is_none_or(|service| arn.service == service)
}

/// `kms.amazonaws.com`. AWS has a list of about 75, which grows; any service's name will do here.
fn is_event_source(value: &str) -> bool {
    let name = value.strip_suffix(".amazonaws.com").unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

fn find<'a>(selector: &'a AdvancedEventSelector, field: &str) -> Option<&'a AdvancedFieldSelector> {
    selector.field_selectors.iter().find(|selector| selector.field == field)
}
