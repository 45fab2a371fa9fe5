use super::*;

#[test]
fn keys_are_encoded_so_that_every_client_decodes_them() {
    let url = Encoding::of(Some(&EncodingType::from_static(EncodingType::URL))).unwrap();
    assert_eq!(url.show("a/b c+ü%\u{1}.txt"), "a/b%20c%2B%C3%BC%25%01.txt");
    assert_eq!(Encoding::of(None).unwrap().show("a b"), "a b");
    assert!(Encoding::of(Some(&EncodingType::from("other".to_owned()))).is_err());
}

#[test]
fn a_page_has_at_most_a_thousand_entries() {
    assert_eq!(page_limit(None, "max-keys").unwrap(), 1_000);
    assert_eq!(page_limit(Some(5_000), "max-keys").unwrap(), 1_000);
    assert_eq!(page_limit(Some(0), "max-keys").unwrap(), 0);
    assert!(page_limit(Some(-1), "max-keys").is_err());
}
