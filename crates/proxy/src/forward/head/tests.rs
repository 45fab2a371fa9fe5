use http::{HeaderMap, HeaderName, HeaderValue};

use super::{join_cookies, strip};

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn check(lines: &[(&'static str, &'static str)], expected: &[(&'static str, &'static str)]) {
    let mut given = headers(lines);
    strip(&mut given);
    let left: Vec<_> = given.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(left, expected);
}

#[test]
fn what_connection_names_is_left_out() {
    check(&[("a", "1"), ("connection", "b , close"), ("b", "2"), ("c", "3")], &[("a", "1"), ("c", "3")]);
    check(&[("a", "1"), ("connection", "x"), ("connection", "y"), ("x", "2"), ("y", "3")], &[("a", "1")]);
    check(&[("te", "gzip"), ("a", "1"), ("a", "2")], &[("a", "1"), ("a", "2")]);
    check(&[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2")]);
}

#[test]
fn what_a_request_is_for_stays() {
    check(
        &[
            ("connection", "host, content-length, transfer-encoding, te, x-forwarded-for"),
            ("x-forwarded-for", "192.0.2.1"),
            ("host", "h"),
            ("content-length", "1"),
            ("te", "Trailers"),
        ],
        &[("x-forwarded-for", "192.0.2.1"), ("host", "h"), ("content-length", "1"), ("te", "Trailers")],
    );
}

#[test]
fn cookies_are_joined_in_order() {
    let mut given = headers(&[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]);
    join_cookies(&mut given);
    assert_eq!(given.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    assert_eq!(given["x"], "y");
}
