use http::HeaderMap;

use super::Trusted;

fn check(nearest: &str, forwarded: &[&'static str], expected: &str) {
    let networks = ["10.0.0.0/8", "::1"].map(|text| text.parse().unwrap());
    let mut headers = HeaderMap::new();
    for line in forwarded {
        headers.append("x-forwarded-for", line.parse().unwrap());
    }
    let source = Trusted::new(&networks).source(nearest.parse().unwrap(), &headers);
    assert_eq!(source.to_string(), expected, "{nearest} {forwarded:?}");
}

#[test]
fn nobody_else_is_believed() {
    check("192.0.2.1", &["198.51.100.1"], "192.0.2.1");
    check("192.0.2.1", &[], "192.0.2.1");
}

#[test]
fn trusted_proxies_are_walked_from_the_right() {
    check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
    check("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1");
    check("10.0.0.1", &["203.0.113.9, 198.51.100.1 ,10.0.0.2"], "198.51.100.1");
    check("10.0.0.1", &["203.0.113.9", "198.51.100.1", "10.0.0.2"], "198.51.100.1");
    check("::1", &["2001:db8::1"], "2001:db8::1");
    check("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3");
    check("10.0.0.1", &[], "10.0.0.1");
}

#[test]
fn ports_are_left_out_and_nonsense_ends_the_walk() {
    check("10.0.0.1", &["198.51.100.1:5000"], "198.51.100.1");
    check("10.0.0.1", &["[2001:db8::1]:5000"], "2001:db8::1");
    check("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
    check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    check("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2");
    check("10.0.0.1", &["198.51.100.1,"], "10.0.0.1");
}
