//! The keys that sign digests.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

const DAY_S: i64 = 86_400;

#[tokio::test]
async fn a_key_is_followed_by_another_that_overlaps_it() {
    let site = Site::new().await;
    let keys = Keys::open(site.catalog.clone(), site.path().join("keys")).unwrap();
    let first = keys.signer_for(HOME, T0).await.unwrap().fingerprint;
    assert_eq!(keys.signer_for(HOME, T0 + 27 * DAY_S).await.unwrap().fingerprint, first);
    assert_ne!(keys.signer_for(AWAY, T0).await.unwrap().fingerprint, first);
    let second = keys.signer_for(HOME, T0 + 29 * DAY_S).await.unwrap().fingerprint;
    assert_ne!(second, first);
    assert_eq!(keys.signer_for(HOME, T0 + 5 * DAY_S).await.unwrap().fingerprint, first, "late digests are signed with theirs");

    let known = catalog::keys::overlapping(&site.catalog, HOME, T0 + 29 * DAY_S, T0 + 29 * DAY_S).await.unwrap();
    assert_eq!(known.iter().map(|key| key.fingerprint.as_str()).collect::<Vec<_>>(), [first.as_str(), second.as_str()]);
    assert!(known.iter().all(|key| key.valid_until_s - key.valid_from_s == 30 * DAY_S));
    assert_eq!(catalog::keys::overlapping(&site.catalog, HOME, 0, T0 - DAY_S).await.unwrap(), []);

    let reopened = Keys::open(site.catalog.clone(), site.path().join("keys")).unwrap();
    assert_eq!(reopened.signer_for(HOME, T0).await.unwrap().sign(b"x"), keys.signer_for(HOME, T0).await.unwrap().sign(b"x"));
}

#[tokio::test]
async fn private_keys_are_for_this_user_alone() {
    let site = Site::new().await;
    let dir = site.path().join("keys");
    let keys = Keys::open(site.catalog.clone(), dir.clone()).unwrap();
    keys.signer_for(HOME, T0).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
}

#[tokio::test]
async fn those_who_ask_at_once_get_one_key() {
    let site = Site::new().await;
    let keys = Keys::open(site.catalog.clone(), site.path().join("keys")).unwrap();
    let ask = || async { keys.signer_for(HOME, T0).await.unwrap().fingerprint };
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert!(one == two && two == three);
}
