use super::*;

const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn owner() -> AccountId {
    "123456789012".parse().unwrap()
}

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

#[test]
fn a_channel_is_named_by_its_arn_or_the_last_part_of_it() {
    let whole = format!("arn:aws:cloudtrail:eu-west-1:123456789012:channel/{ID}");
    for text in [ID, &whole] {
        assert_eq!(ArnOrId::parse(text).unwrap().arn("aws", &region(), owner()), whole, "{text}");
    }
    let elsewhere = whole.replace("eu-west-1", "us-east-1");
    assert_eq!(ArnOrId::parse(&elsewhere).unwrap().arn("aws", &region(), owner()), elsewhere);
    assert_eq!(parse_arn(&whole).unwrap(), arn("aws", &region(), owner(), ID));
    let name = whole.clone() + "x";
    let trail = whole.replace("channel/", "trail/");
    let nowhere = whole.replace("eu-west-1", "");
    let nobody = whole.replace("123456789012", "12");
    let service = whole.replace(":cloudtrail:", ":s3:");
    let capital = whole.replace('f', "F");
    for text in ["arn:", &name, &trail, &nowhere, &nobody, &service, &capital] {
        assert!(matches!(ArnOrId::parse(text), Err(Invalid::Arn(_))), "{text}");
        assert!(parse_arn(text).is_err(), "{text}");
    }
    assert!(parse_arn(ID).is_err());
    assert_eq!(ArnOrId::parse("no-such-id"), Ok(ArnOrId::Id("no-such-id".to_owned())));
}

#[test]
fn a_source_is_custom_or_a_partner() {
    for source in ["Custom", "Okta", "Cloud Storage Security", "Shoreline.io", "CloudTrails"] {
        assert_eq!(check_source(source), Ok(()), "{source}");
    }
    for source in ["CloudTrail", "cloudtrail", "custom", "CUSTOM", " Okta", "Okta ", "a\tb", " "] {
        assert!(matches!(check_source(source), Err(Invalid::Source(_))), "{source}");
    }
    assert!(is_exclusive("Okta") && !is_exclusive("Custom"));
}

#[test]
fn no_destination_is_given_twice() {
    let to = |location: &str| Destination { type_: DestinationType::EventDataStore, location: location.to_owned() };
    assert_eq!(check_destinations(&[to("a"), to("b")]), Ok(()));
    let twice = check_destinations(&[to("a"), to("b"), to("a")]);
    assert_eq!(twice, Err(Invalid::Destinations("Destination a is given twice.".to_owned())));
}
