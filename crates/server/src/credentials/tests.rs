use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn keys_are_made_once_kept_and_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let first = ensure(&path, None).expect("made");
    assert_eq!(first.access_key_id.len(), 20);
    assert_eq!(first.secret_access_key.len(), 40);
    let again = ensure(&path, None).expect("kept");
    assert_eq!((again.access_key_id, again.secret_access_key), (first.access_key_id, first.secret_access_key));
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn given_keys_win_and_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    ensure(&path, None).expect("made");
    let given = Credentials { access_key_id: "AKIAGIVEN".into(), secret_access_key: "given".into() };
    ensure(&path, Some(&given)).expect("written");
    assert_eq!(ensure(&path, None).expect("kept").access_key_id, "AKIAGIVEN");
}

#[test]
fn a_file_without_keys_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    fs::write(&path, "[other]\naws_access_key_id = A\n").expect("written");
    assert!(matches!(ensure(&path, None), Err(Error::Incomplete { .. })));
}
