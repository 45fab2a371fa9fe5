use super::*;

#[test]
fn values_are_those_of_the_published_check_input() {
    // The check values of the CRC catalogue for "123456789", and FIPS 180 for the rest.
    let check = |algorithm, expected: &str| {
        assert_eq!(hex::encode(STANDARD.decode(of(algorithm, b"123456789")).unwrap()), expected, "{algorithm:?}");
    };
    check(Algorithm::Crc32, "cbf43926");
    check(Algorithm::Crc32c, "e3069283");
    check(Algorithm::Crc64Nvme, "ae8b14860a799888");
    check(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    check(Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
}

#[test]
fn a_composite_tells_how_many_parts() {
    let parts = [of(Algorithm::Sha256, b"a"), of(Algorithm::Sha256, b"b")];
    let value = composite(Algorithm::Sha256, parts.iter().map(String::as_str)).unwrap();
    assert!(value.ends_with("-2"));
    assert_eq!(composite(Algorithm::Sha256, ["not base64!"]), None);
}

#[test]
fn a_value_has_the_algorithms_width() {
    for algorithm in Algorithm::ALL {
        assert!(algorithm.is_value(&of(algorithm, b"x")));
        assert!(!algorithm.is_value("AA=="));
        assert_eq!(Algorithm::parse(&algorithm.as_str().to_lowercase()), Some(algorithm));
    }
}
