use cloudtrail::record::PrincipalType;

use super::*;

#[tokio::test]
async fn a_session_is_known_until_it_is_purged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let principal = Principal { user_name: Some("mary".to_owned()), ..Principal::new(PrincipalType::IamUser) };
    let session = Session {
        caller: Some(principal.clone()),
        principal,
        transitive_tags: Vec::new(),
        tags: vec![("team".to_owned(), "a".to_owned())],
        made_by: "AssumeRole".to_owned(),
    };
    let catalog = Catalog::open(&path).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    put(&mut tx, "ASIA1", &session, 10).await.unwrap();
    put(&mut tx, "ASIA2", &session, 20).await.unwrap();
    put(&mut tx, "ASIA2", &session, 30).await.unwrap();
    tx.commit().await.unwrap();
    catalog.close().await;

    let catalog = Catalog::open(&path).await.unwrap();
    assert_eq!(get(&catalog, "ASIA1").await.unwrap(), Some(session.clone()));
    assert_eq!(get(&catalog, "ASIA3").await.unwrap(), None);
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(purge(&mut tx, 30).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(get(&catalog, "ASIA1").await.unwrap(), None);
    assert_eq!(get(&catalog, "ASIA2").await.unwrap(), Some(session));
}
