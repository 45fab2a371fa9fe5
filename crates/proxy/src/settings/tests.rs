use std::net::IpAddr;

use super::file::upstream;
use super::{DataEvents, DataEventsFile, File, Network, OnFailure, Settings};

fn read(text: &str) -> Result<Settings, String> {
    let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    file.checked(&"123456789012".parse().unwrap(), &"eu-central-1".parse().unwrap())
}

fn refused(text: &str) -> String {
    read(text).expect_err(text)
}

#[test]
fn two_addresses_are_all_that_is_needed() {
    let settings = read("listen = '127.0.0.1:0'\nupstream = 'http://127.0.0.1:8333'").unwrap();
    assert_eq!(settings.upstream.authority().unwrap().as_str(), "127.0.0.1:8333");
    assert_eq!(settings.record_data_events, DataEvents::None);
    assert_eq!(settings.on_failure, OnFailure::Refuse);
    assert_eq!(settings.account.as_str(), "123456789012");
    assert_eq!(settings.region.as_str(), "eu-central-1");
    assert!(settings.tls.is_none() && settings.trusted_proxies.is_empty());
}

#[test]
fn every_key_is_read() {
    let settings = read(
        "listen = '[::1]:9000'
        upstream = 'https://s3.example.com'
        record_data_events = ['arn:aws:s3:::a/']
        on_failure = 'strict'
        trusted_proxies = ['10.0.0.0/8', '::1']
        identities = 'identities.toml'
        service = 's3'
        bucket_domains = ['S3.Example.Com.']
        account = '210987654321'
        region = 'us-east-1'
        tls = { cert = 'c.pem', key = 'k.pem' }
        upstream_ca = 'ca.pem'",
    )
    .unwrap();
    assert_eq!(settings.record_data_events, DataEvents::Prefixes(vec!["arn:aws:s3:::a/".to_owned()]));
    assert_eq!(settings.on_failure, OnFailure::Strict);
    assert_eq!(settings.trusted_proxies.len(), 2);
    assert_eq!(settings.bucket_domains, ["s3.example.com"]);
    assert_eq!(settings.account.as_str(), "210987654321");
    assert!(settings.tls.is_some() && settings.upstream_ca.is_some() && settings.identities.is_some());
}

#[test]
fn what_is_wrong_is_said_with_its_key() {
    let with = |line: &str| refused(&format!("listen = '127.0.0.1:0'\nupstream = 'http://a'\n{line}"));
    assert!(refused("listen = 'here'\nupstream = 'http://a'").starts_with("listen: \"here\""));
    assert!(with("on_failure = 'ignore'").starts_with("on_failure: \"ignore\" is not one of"));
    assert!(with("trusted_proxies = ['10.0.0.0/33']").starts_with("trusted_proxies: \"10.0.0.0/33\""));
    assert!(with("record_data_events = ['bucket']").starts_with("record_data_events: \"bucket\""));
    assert!(with("bucket_domains = ['http://a']").starts_with("bucket_domains: "));
    assert!(with("service = 'S3'").starts_with("service: "));
    assert!(with("account = '1'").starts_with("account: "));
    assert!(with("colour = 'red'").contains("unknown field"));
}

#[test]
fn an_upstream_is_a_scheme_a_host_and_maybe_a_port() {
    for good in ["http://a", "http://a/", "https://a:1", "http://[::1]:9000"] {
        assert!(upstream(good).is_ok(), "{good}");
    }
    for bad in ["a:1", "/a", "ftp://a", "http://", "http://a/b", "http://a?b", "http://a#b", "http://u@a", "http://a b"] {
        assert!(upstream(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_network_has_the_addresses_whose_first_bits_are_its_own() {
    let check = |network: &str, address: &str, expected: bool| {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse::<IpAddr>().unwrap()), expected, "{network:?} {address}");
    };
    check("10.0.0.0/8", "10.255.0.1", true);
    check("10.0.0.0/8", "11.0.0.1", false);
    check("10.0.0.0/8", "::ffff:10.0.0.1", true);
    check("10.1.2.3", "10.1.2.3", true);
    check("10.1.2.3", "10.1.2.2", false);
    check("0.0.0.0/0", "200.1.1.1", true);
    check("0.0.0.0/0", "::1", false);
    check("::/0", "fe80::1", true);
    check("fd00::/8", "fd12::1", true);
    check("fd00::/8", "fe00::1", false);
    for bad in ["", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "::/129", "host"] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
}

#[test]
fn data_events_are_covered_by_the_beginning_of_an_arn() {
    let some: DataEventsFile = "arn:aws:s3:::a/, arn:aws:sqs:".parse().unwrap();
    let some = DataEvents::try_from(some).unwrap();
    assert!(some.cover(["arn:aws:s3:::a/key"].into_iter()));
    assert!(!some.cover(["arn:aws:s3:::b/key"].into_iter()));
    for same in ["b/../a/key", "./a/key", "/a//key", "b/c/../../a/key", "../a/key"] {
        assert!(some.cover([format!("arn:aws:s3:::{same}").as_str()].into_iter()), "{same}");
    }
    assert!(DataEvents::All.cover(std::iter::empty()));
    assert!(!DataEvents::None.cover(["arn:aws:s3:::a/key"].into_iter()));
}
