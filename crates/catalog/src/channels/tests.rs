use cloudtrail::channel::DestinationType;

use super::*;

const STORES: [&str; 2] = ["arn:aws:cloudtrail:us-east-1:111111111111:eventdatastore/b", "arn:a:eventdatastore/a"];

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn to(stores: &[&str]) -> Vec<Destination> {
    let destination = |store: &&str| Destination { type_: DestinationType::EventDataStore, location: (*store).to_owned() };
    stores.iter().map(destination).collect()
}

fn channel(name: &str) -> Channel {
    Channel {
        arn: format!("arn:aws:cloudtrail:us-east-1:111111111111:channel/{name}"),
        account: "111111111111".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        name: name.to_owned(),
        source: "Custom".to_owned(),
        source_config: None,
        destinations: to(&STORES),
        created_at_us: 1,
        updated_at_us: 1,
    }
}

fn service_linked() -> Channel {
    let config = SourceConfig { apply_to_all_regions: true, advanced_event_selectors: Vec::new() };
    Channel {
        source: "CloudTrail".to_owned(),
        source_config: Some(config),
        destinations: vec![Destination { type_: DestinationType::AwsService, location: "detective".to_owned() }],
        ..channel("aws-service-channel/detective/x")
    }
}

async fn made(catalog: &Catalog, channels: &[Channel]) {
    let mut tx = catalog.begin().await.unwrap();
    for channel in channels {
        insert(&mut tx, channel).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn channels_are_found_as_they_were_made() {
    let (_dir, catalog) = catalog().await;
    let elsewhere = Channel { region: "eu-west-1".parse().unwrap(), arn: "arn:elsewhere".to_owned(), ..channel("one") };
    made(&catalog, &[channel("one"), service_linked(), elsewhere.clone()]).await;
    assert_eq!(get(&catalog, &channel("one").arn).await.unwrap(), Some(channel("one")));
    assert_eq!(get(&catalog, "arn:elsewhere").await.unwrap(), Some(elsewhere.clone()));
    assert_eq!(get(&catalog, "arn:none").await.unwrap(), None);
    let (account, region) = (elsewhere.account, "us-east-1".parse().unwrap());
    assert_eq!(of_region(&catalog, account, &region).await.unwrap(), [service_linked(), channel("one")]);
    assert!(service_linked().is_service_linked() && !channel("one").is_service_linked());
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(of_region_in(&mut tx, "222222222222".parse().unwrap(), &region).await.unwrap(), []);
    assert!(insert(&mut tx, &Channel { arn: "arn:other".to_owned(), ..channel("one") }).await.is_err(), "the name is taken");
}

#[tokio::test]
async fn an_update_takes_the_place_of_name_and_destinations() {
    let (_dir, catalog) = catalog().await;
    made(&catalog, &[channel("one")]).await;
    let changed = Channel { name: "two".to_owned(), destinations: to(&STORES[1..]), updated_at_us: 2, ..channel("one") };
    let mut tx = catalog.begin().await.unwrap();
    assert!(update(&mut tx, &changed).await.unwrap());
    assert!(!update(&mut tx, &channel("none")).await.unwrap());
    assert_eq!(get_in(&mut tx, &changed.arn).await.unwrap(), Some(changed));
    assert!(!lead_to(&mut tx, STORES[0]).await.unwrap() && lead_to(&mut tx, STORES[1]).await.unwrap());
}

#[tokio::test]
async fn with_a_channel_goes_what_hangs_on_it() {
    let (_dir, catalog) = catalog().await;
    let Channel { arn, .. } = channel("one");
    made(&catalog, &[channel("one")]).await;
    let tag = Tag { key: "k".to_owned(), value: None };
    let mut tx = catalog.begin().await.unwrap();
    assert!(set_tags(&mut tx, &arn, std::slice::from_ref(&tag)).await.unwrap());
    assert!(!set_tags(&mut tx, "arn:none", &[]).await.unwrap());
    resource_policies::put(&mut tx, &arn, "{}", 1).await.unwrap();
    assert!(note_ingestion(&mut tx, &arn, &Ingestion { attempt_s: 1, ..Ingestion::default() }).await.unwrap());
    assert_eq!(tags_in(&mut tx, &arn).await.unwrap(), [tag]);
    assert!(delete(&mut tx, &arn).await.unwrap());
    assert!(!delete(&mut tx, &arn).await.unwrap());
    insert(&mut tx, &channel("one")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tags(&catalog, &arn).await.unwrap(), []);
    assert_eq!(ingestion(&catalog, &arn).await.unwrap(), None);
    assert_eq!(resource_policies::get(&catalog, &arn).await.unwrap(), None);
}

#[tokio::test]
async fn ingestion_is_noted_over_what_was_known() {
    let (_dir, catalog) = catalog().await;
    let Channel { arn, .. } = channel("one");
    made(&catalog, &[channel("one")]).await;
    let text = |text: &str| Some(text.to_owned());
    let success = Ingestion {
        attempt_s: 1,
        attempt_event_id: text("a"),
        success_s: Some(1),
        success_event_id: text("a"),
        ..Ingestion::default()
    };
    let failure =
        Ingestion { attempt_s: 2, attempt_event_id: text("b"), error_code: text("InvalidData"), ..Ingestion::default() };
    let refusal = Ingestion { attempt_s: 3, error_code: text("ChannelInsufficientPermission"), ..Ingestion::default() };
    let expected =
        Ingestion { attempt_s: 3, attempt_event_id: text("b"), error_code: refusal.error_code.clone(), ..success.clone() };
    assert_eq!(success.clone().then(failure.clone()).then(refusal.clone()), expected);
    let mut tx = catalog.begin().await.unwrap();
    for later in [success, failure, refusal] {
        assert!(note_ingestion(&mut tx, &arn, &later).await.unwrap());
    }
    assert!(!note_ingestion(&mut tx, "arn:none", &expected).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ingestion(&catalog, &arn).await.unwrap(), Some(expected));
}
