use super::*;
use crate::selectors::AdvancedEventSelector;

const MANAGEMENT: &str = r#"{"Field":"eventCategory","Equals":["Management"]}"#;
const NETWORK: &str =
    r#"{"Field":"eventCategory","Equals":["NetworkActivity"]},{"Field":"eventSource","Equals":["kms.amazonaws.com"]}"#;

/// A selector of each of these lists of conditions.
fn selectors<const N: usize>(fields: [&str; N]) -> Vec<AdvancedEventSelector> {
    let of = |fields: &str| serde_json::from_str(&format!(r#"{{"FieldSelectors":[{fields}]}}"#)).expect("a selector");
    fields.into_iter().map(of).collect()
}

fn category(name: &str) -> String {
    format!(r#"{{"Field":"eventCategory","Equals":["{name}"]}}"#)
}

fn named(name: &str) -> Change {
    Change { name: Some(name.to_owned()), ..Change::default() }
}

fn create(change: &Change) -> Result<Settings, Invalid> {
    let region = "us-east-1".parse().expect("a Region");
    Settings::create(change, "123456789012".parse().expect("an account"), region)
}

/// `expected` is "" for selectors that a store may have, else a part of the message.
fn check(selectors: Vec<AdvancedEventSelector>, expected: &str) {
    let shown = format!("{selectors:?}");
    match create(&Change { selectors: Some(selectors), ..named("store") }) {
        Ok(_) => assert_eq!(expected, "", "{shown}"),
        Err(error) => assert!(!expected.is_empty() && error.to_string().contains(expected), "{shown}: {error}"),
    }
}

#[test]
fn a_store_that_is_told_nothing_takes_management_events_for_a_year() {
    let settings = create(&named("store")).expect("settings");
    assert_eq!(settings.selectors, {
        let mut selectors = selectors([MANAGEMENT]);
        selectors[0].name = Some("Default management events".to_owned());
        selectors
    });
    assert!(settings.multi_region && settings.termination_protection);
    assert_eq!((settings.retention_days, settings.family()), (366, Family::Events));
    let arn = "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/11111111-2222-3333-4444-555555555555";
    assert_eq!(settings.arn("aws", "11111111-2222-3333-4444-555555555555").to_string(), arn);
}

#[test]
fn names_have_3_to_128_characters_of_a_kind() {
    for (name, legal) in [("abc", true), ("A.b_c-9", true), ("ab", false), ("a b c", false), ("abcü", false), ("...", true)] {
        assert_eq!(check_name(name).is_ok(), legal, "{name}");
    }
    assert!(check_name(&"n".repeat(128)).is_ok());
    assert!(check_name(&"n".repeat(129)).is_err());
}

#[test]
fn the_billing_mode_bounds_retention_and_cannot_be_turned_back() {
    let with = |mode, days| create(&Change { billing_mode: Some(mode), retention_days: days, ..named("store") });
    let (extendable, fixed) = (BillingMode::ExtendableRetentionPricing, BillingMode::FixedRetentionPricing);
    for (mode, days, expected) in [
        (extendable, None, Some(366)),
        (extendable, Some(7), Some(7)),
        (extendable, Some(3653), Some(3653)),
        (extendable, Some(3654), None),
        (extendable, Some(6), None),
        (extendable, Some(-1), None),
        (fixed, None, Some(2557)),
        (fixed, Some(2557), Some(2557)),
        (fixed, Some(2558), None),
    ] {
        let days_kept = with(mode, days).ok().map(|settings| settings.retention_days);
        assert_eq!(days_kept, expected, "{mode:?} {days:?}");
    }
    let to = |mode| Change { billing_mode: Some(mode), ..Change::default() };
    let settings = with(fixed, None).expect("settings").update(&to(extendable)).expect("one way");
    assert_eq!((settings.billing_mode, settings.retention_days), (extendable, 2557));
    assert!(settings.update(&to(fixed)).is_err());
    assert!(settings.update(&to(extendable)).is_ok());
}

#[test]
fn an_update_changes_what_it_names_and_must_name_something() {
    let settings = create(&named("store")).expect("settings");
    assert!(matches!(settings.update(&Change::default()), Err(Invalid::Parameter(_))));
    let change = Change { multi_region: Some(false), retention_days: Some(30), ..named("other") };
    let updated = settings.update(&change).expect("settings");
    let expected = Settings { name: "other".to_owned(), multi_region: false, retention_days: 30, ..settings.clone() };
    assert_eq!(updated, expected);
    let to = |category: &str| {
        let selectors = Some(selectors([self::category(category).as_str()]));
        settings.update(&Change { selectors, multi_region: Some(false), ..Change::default() })
    };
    assert!(matches!(to("Insight"), Err(Invalid::Selectors(_))));
    assert!(matches!(to("ActivityAuditLog"), Err(Invalid::Selectors(_))));
}

#[test]
fn families_other_than_cloudtrail_events_have_one_selector_with_one_condition() {
    for category in ["Insight", "ConfigurationItem", "Evidence", "ActivityAuditLog"] {
        let only = self::category(category);
        check(selectors([only.as_str()]), "");
        check(selectors([only.as_str(), only.as_str()]), "cannot be combined");
        check(selectors([only.as_str(), MANAGEMENT]), "cannot be combined");
        let more = format!(r#"{only},{{"Field":"eventName","Equals":["X"]}}"#);
        check(selectors([more.as_str()]), "Field eventName is invalid");
    }
    check(selectors([category("Aggregated").as_str()]), "Value Aggregated");
    check(selectors([r#"{"Field":"eventCategory","Equals":["Insight","Evidence"]}"#]), "exactly one value");
    check(vec![], "at least one advanced event selector");
}

#[test]
fn a_store_of_cloudtrail_events_takes_up_to_five_selectors_of_its_categories() {
    check(selectors([MANAGEMENT, NETWORK, MANAGEMENT, MANAGEMENT, MANAGEMENT]), "");
    check(selectors([MANAGEMENT; 6]), "at most 5");
}

#[test]
fn stores_take_more_fields_of_management_events_than_trails() {
    for field in [
        r#"{"Field":"eventName","StartsWith":["Delete"],"NotEquals":["DeleteTags"]}"#,
        r#"{"Field":"eventSource","Equals":["ec2.amazonaws.com","kms.amazonaws.com"]}"#,
        r#"{"Field":"eventType","NotEndsWith":["Event"]}"#,
        r#"{"Field":"userIdentity.arn","EndsWith":["/deploy"]}"#,
        r#"{"Field":"sessionCredentialFromConsole","NotEquals":["true"]}"#,
        r#"{"Field":"readOnly","Equals":["false"]}"#,
    ] {
        check(selectors([format!("{MANAGEMENT},{field}").as_str()]), "");
    }
    for (field, expected) in [
        (r#"{"Field":"sessionCredentialFromConsole","StartsWith":["t"]}"#, "Operator StartsWith"),
        (r#"{"Field":"readOnly","NotEquals":["false"]}"#, "Operator NotEquals"),
        (r#"{"Field":"resources.type","Equals":["AWS::S3::Object"]}"#, "Field resources.type is invalid"),
        (r#"{"Field":"vpcEndpointId","Equals":["x"]}"#, "of an event data store"),
    ] {
        check(selectors([format!("{MANAGEMENT},{field}").as_str()]), expected);
    }
    let by_user = format!(r#"{NETWORK},{{"Field":"userIdentity.arn","EndsWith":["x"]}}"#);
    check(selectors([by_user.as_str()]), "Field userIdentity.arn is invalid");
}

#[test]
fn stores_of_integrations_are_single_region() {
    let activity = Some(selectors([category("ActivityAuditLog").as_str()]));
    let change = Change { selectors: activity, ..named("store") };
    assert!(!create(&change).expect("settings").multi_region);
    assert!(create(&Change { multi_region: Some(true), ..change }).is_err());
}

#[test]
fn a_request_names_a_store_by_id_or_arn() {
    let id = "11111111-2222-3333-4444-555555555555";
    let arn = format!("arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/{id}");
    assert_eq!(IdOrArn::parse(id).expect("an id").id(), id);
    assert_eq!(IdOrArn::parse(&arn).expect("an ARN").id(), id);
    assert_eq!(IdOrArn::parse("anything").expect("an id").id(), "anything");
    for bad in [
        "arn:aws:cloudtrail",
        "arn:aws:cloudtrail:us-east-1:123456789012:trail/main",
        "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/main",
        &arn.replace("1-2", "12"),
        &arn.replace("123456789012", "1234"),
        &arn.replace("us-east-1", ""),
        &arn.replace("cloudtrail", "s3"),
        &arn.replace("11111111", "1111111X"),
    ] {
        assert!(matches!(IdOrArn::parse(bad), Err(Invalid::Arn(_))), "{bad}");
    }
}

#[test]
fn context_keys_need_large_events_and_known_names() {
    let keys = |type_, keys: &[&str]| ContextKeySelector { type_, equals: keys.iter().map(|&key| key.to_owned()).collect() };
    let (tags, request) = (ContextKeyType::TagContext, ContextKeyType::RequestContext);
    let large = EventConfiguration { size: EventSize::Large, context_keys: vec![] };
    let put = |context_keys| large.update(&ConfigurationChange { size: None, context_keys: Some(context_keys) });
    assert!(put(vec![keys(tags, &["team", "aws:cloudformation:stack-name"]), keys(request, &["aws:PrincipalArn"])]).is_ok());
    assert!(put(vec![keys(tags, &["a"]), keys(tags, &["b"])]).is_err());
    assert!(put(vec![keys(request, &["aws:Secret"])]).is_err());
    assert!(put(vec![keys(tags, &[])]).is_err());
    assert!(put(vec![keys(tags, &["k"; 51])]).is_err());
    assert!(put(vec![keys(tags, &["k".repeat(129).as_str()])]).is_err());

    let enriched = put(vec![keys(tags, &["team"])]).expect("a configuration");
    let small = ConfigurationChange { size: Some(EventSize::Standard), context_keys: None };
    assert!(matches!(enriched.update(&small), Err(Invalid::Combination(_))));
    let cleared = ConfigurationChange { context_keys: Some(vec![]), ..small };
    assert_eq!(enriched.update(&cleared), Ok(EventConfiguration::default()));
    assert!(enriched.update(&ConfigurationChange::default()).is_err());
}

#[test]
fn a_family_holds_the_events_of_its_categories() {
    let event = |category: &str| {
        let json =
            format!(r#"{{"eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"X"{category}}}"#);
        let region = "us-east-1".parse().expect("a Region");
        let account = "123456789012".parse().expect("an account");
        let admission = crate::event::Admission { account, region: &region, ordinal: 0, size_max: 10_000 };
        Event::admit(json.as_bytes(), &admission).expect("an event")
    };
    for (category, expected) in [
        ("", vec![Family::Events]),
        (r#","eventCategory":"Data""#, vec![Family::Events]),
        (r#","eventCategory":"Aggregated""#, vec![Family::Events]),
        (r#","eventCategory":"Insight""#, vec![Family::Events, Family::Insight]),
        (r#","eventCategory":"Evidence""#, vec![Family::Evidence]),
    ] {
        let event = event(category);
        let held: Vec<Family> = Family::ALL.into_iter().filter(|family| family.holds(&event)).collect();
        assert_eq!(held, expected, "{category}");
    }
}

#[test]
fn words_of_the_api_are_read_back() {
    for status in Status::ALL {
        assert_eq!(Status::of(status.as_str()), Some(status));
        assert_eq!(serde_json::to_string(&status).expect("JSON"), format!("\"{}\"", status.as_str()));
    }
    assert_eq!(Status::of("GONE"), None);
    for family in Family::ALL {
        assert!(family.categories().iter().all(|category| Family::of_category(category) == Some(family)));
    }
}
