use super::{LEADER, Region, partition_regions};

fn check(text: &str, expected: bool) {
    let parsed = text.parse::<Region>();
    assert_eq!(parsed.is_ok(), expected, "{text:?}");
    if let Ok(region) = parsed {
        assert_eq!(region.as_str(), text);
        assert_eq!(serde_json::to_string(&region).unwrap(), format!("\"{text}\""));
    }
}

#[test]
fn a_region_is_safe_inside_an_object_key() {
    check("us-east-1", true);
    check("us-north-2r", true);
    check("US-EAST-1", true);
    check("a", true);
    check(&"a".repeat(32), true);
    check(&"a".repeat(33), false);
    check("", false);
    check("...", false);
    check("us_east_1", false);
    check("../etc", false);
    check("eu-west-1/x", false);
    check("é", false);
    assert!(serde_json::from_str::<Region>("\"a b\"").is_err());
}

#[test]
fn every_partition_names_valid_regions_once_and_its_leader_first() {
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        let regions = partition_regions(partition);
        let unique: std::collections::BTreeSet<_> = regions.iter().collect();
        assert_eq!(unique.len(), regions.len());
        for region in regions {
            check(region, true);
        }
    }
    assert_eq!(partition_regions("aws").first(), Some(&LEADER));
    assert!(partition_regions("aws-mars").is_empty());
}
