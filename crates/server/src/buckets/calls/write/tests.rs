use super::*;

#[test]
fn the_encoding_of_the_way_is_not_kept() {
    let check = |sent: &str, kept: Option<&str>| {
        assert_eq!(without_chunking(Some(sent.to_owned())).as_deref(), kept, "{sent}");
    };
    check("aws-chunked", None);
    check("aws-chunked,gzip", Some("gzip"));
    check("gzip, aws-chunked", Some("gzip"));
    check("gzip", Some("gzip"));
}

#[test]
fn one_checksum_may_be_sent() {
    let some = || Some("x".to_owned());
    assert_eq!(sent_checksum([None, None, None, None, some()]).unwrap(), Some((Algorithm::Sha256, "x".into())));
    assert_eq!(sent_checksum([const { None }; 5]).unwrap(), None);
    assert!(sent_checksum([some(), None, None, some(), None]).is_err());
}
