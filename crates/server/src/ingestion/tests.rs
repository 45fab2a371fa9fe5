use super::*;

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111111111111:channel/one";

fn at(attempt_s: i64, error_code: Option<&str>) -> Ingestion {
    let success_s = error_code.is_none().then_some(attempt_s);
    Ingestion { attempt_s, success_s, error_code: error_code.map(str::to_owned), ..Ingestion::default() }
}

#[tokio::test]
async fn what_was_told_is_seen_at_once_and_written_behind() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let channel = channels::Channel {
        arn: ARN.to_owned(),
        account: "111111111111".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        name: "one".to_owned(),
        source: "Custom".to_owned(),
        source_config: None,
        destinations: Vec::new(),
        created_at_us: 1,
        updated_at_us: 1,
    };
    channels::insert(&mut tx, &channel).await.unwrap();
    tx.commit().await.unwrap();

    let status = IngestionStatus::new(catalog.clone());
    assert_eq!(status.of(ARN).await.unwrap(), None);
    status.note(ARN, at(1, None));
    status.note("arn:of-a-channel-that-was-deleted", at(1, None));
    assert_eq!(status.of(ARN).await.unwrap(), Some(at(1, None)));
    assert_eq!(channels::ingestion(&catalog, ARN).await.unwrap(), None);
    status.write().await.unwrap();
    assert!(status.told().is_empty());
    status.note(ARN, at(2, Some("InvalidData")));
    let expected = Some(at(1, None).then(at(2, Some("InvalidData"))));
    assert_eq!(status.of(ARN).await.unwrap(), expected);

    let stopped = CancellationToken::new();
    stopped.cancel();
    status.run(stopped).await;
    assert_eq!(channels::ingestion(&catalog, ARN).await.unwrap(), expected);
}
