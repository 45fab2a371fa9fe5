use super::*;

fn maker(secret: &[u8]) -> Maker {
    Maker::new(hmac::Key::new(hmac::HMAC_SHA256, secret))
}

#[test]
fn a_key_is_known_again_until_its_time_is_over() {
    let maker = maker(b"secret");
    let keys = maker.make("123456789012".parse().unwrap(), 1_700_000_000);
    assert_eq!(maker.find(&keys.access_key_id, 1_700_000_000 + LIFE_S - 1).as_ref(), Some(&keys));
    assert_eq!(maker.find(&keys.access_key_id, 1_700_000_000 + LIFE_S), None);
    assert!(keys.access_key_id.chars().all(|letter| letter.is_ascii_alphanumeric()));
}

#[test]
fn what_was_not_made_is_no_key() {
    let keys = maker(b"secret").make("123456789012".parse().unwrap(), 1_700_000_000);
    let other = maker(b"other").find(&keys.access_key_id, 1_700_000_000).unwrap();
    assert_ne!(other.secret_access_key, keys.secret_access_key, "another installation's secret opens nothing here");
    for id in ["", "TKLK", "AKIAIOSFODNN7EXAMPLE", "TKLK12345678901", "TKLK123456789012", "TKLK12345678901é7FFFFFFF"] {
        assert_eq!(maker(b"secret").find(id, 0), None, "{id}");
    }
    // Numbers have one spelling.
    let padded = keys.access_key_id.replacen("123456789012", "1234567890120", 1);
    assert_eq!(maker(b"secret").find(&padded, 0), None);
    assert_eq!(maker(b"secret").find(&keys.access_key_id.to_lowercase(), 0), None);
}
