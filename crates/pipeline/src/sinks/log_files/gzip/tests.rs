use std::io::Read as _;

use super::*;

#[test]
fn a_member_is_dated_and_holds_the_bytes() {
    let bytes = b"{\"Records\":[]}".repeat(1000);
    let packed = gzip(&bytes, 1, 0x0102_0304);
    assert_eq!(packed[MTIME], [4, 3, 2, 1]);
    assert_eq!(packed, gzip(&bytes, 1, 0x0102_0304));
    assert_eq!(gzip(&bytes, 1, -1)[MTIME], [0; 4]);
    let mut reader = flate2::bufread::GzDecoder::new(&packed[..]);
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert_eq!(back, bytes);
    assert!(reader.into_inner().is_empty(), "one member and nothing after it");
}
