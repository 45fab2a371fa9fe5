use super::Blob;

#[test]
fn a_blob_is_base64_once() {
    let text = serde_json::to_string(&Blob(vec![0x30, 0x82, 0xff])).unwrap();
    assert_eq!(text, r#""MIL/""#);
    assert_eq!(serde_json::from_str::<Blob>(&text).unwrap(), Blob(vec![0x30, 0x82, 0xff]));
    assert!(serde_json::from_str::<Blob>(r#""M""#).is_err());
}
