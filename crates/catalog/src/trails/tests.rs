use cloudtrail::trail::Change;

use super::*;
use crate::cursors;

const NOW_US: i64 = 1_700_000_000_000_000;
const NOW_S: i64 = 1_700_000_000;

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn trail(name: &str, home: &str) -> Trail {
    let change =
        Change { s3_bucket_name: Some("acme-audit".to_owned()), s3_key_prefix: Some("pre".to_owned()), ..Change::default() };
    let account = "111111111111".parse().unwrap();
    let settings = Settings::create(name, &change, account, home.parse().unwrap()).unwrap();
    let arn = settings.arn("aws").to_string();
    Trail::new(arn, settings, Selectors::default_for_new_trail(), NOW_US)
}

async fn made(catalog: &Catalog, name: &str) -> Trail {
    let mut tx = catalog.begin().await.unwrap();
    let trail = trail(name, "us-east-1");
    let id = insert(&mut tx, &trail).await.unwrap();
    tx.commit().await.unwrap();
    Trail { id, ..trail }
}

#[tokio::test]
async fn a_trail_is_found_as_it_was_made_and_its_bucket_is_locked() {
    let (_dir, catalog) = catalog().await;
    let one = made(&catalog, "one").await;
    let mut tx = catalog.begin().await.unwrap();
    let two = trail("two", "eu-west-1");
    let id = insert(&mut tx, &two).await.unwrap();
    assert!(insert(&mut tx, &two).await.is_err(), "the name is taken");
    tx.commit().await.unwrap();

    let two = Trail { id, ..two };
    assert_eq!(get(&catalog, &one.arn).await.unwrap(), Some(one.clone()));
    assert_eq!(by_id(&catalog, id).await.unwrap(), Some(two.clone()));
    assert_eq!(of_account(&catalog, one.settings.account).await.unwrap(), [two, one]);
    assert_eq!(of_account(&catalog, "222222222222".parse().unwrap()).await.unwrap(), []);
    assert_eq!(buckets::protected(&catalog, "acme-audit").await.unwrap(), ["pre/"]);
}

#[tokio::test]
async fn a_change_is_a_version_that_waits_for_its_position() {
    let (_dir, catalog) = catalog().await;
    let one = made(&catalog, "one").await;
    let mut tx = catalog.begin().await.unwrap();
    assert!(start_logging(&mut tx, &one.arn, NOW_S, 7).await.unwrap());
    let settings = Settings { log_file_validation: true, ..one.settings.clone() };
    assert!(update(&mut tx, &Trail { settings: settings.clone(), updated_at_us: NOW_US + 1, ..one.clone() }).await.unwrap());
    assert!(set_selectors(&mut tx, &one.arn, &Selectors::Advanced(Vec::new()), NOW_US + 2).await.unwrap());
    assert!(!set_selectors(&mut tx, "arn:aws:cloudtrail:us-east-1:111111111111:trail/no", &one.selectors, 1).await.unwrap());
    tx.commit().await.unwrap();

    let now = get(&catalog, &one.arn).await.unwrap().unwrap();
    assert_eq!((now.version, &now.settings, now.updated_at_us), (3, &settings, NOW_US + 2));
    let run = runs::current(&catalog, &one.arn).await.unwrap().unwrap();
    let all = versions(&catalog, one.id, run.version).await.unwrap();
    assert_eq!(all.iter().map(|v| (v.version, v.position)).collect::<Vec<_>>(), [(1, None), (2, None), (3, None)]);

    let mut tx = catalog.begin().await.unwrap();
    place_versions(&mut tx, Some(&one.arn), 40).await.unwrap();
    runs::adopt(&mut tx, &run, 3).await.unwrap();
    tx.commit().await.unwrap();
    let all = versions(&catalog, one.id, 0).await.unwrap();
    assert_eq!(all.iter().map(|v| (v.version, v.position)).collect::<Vec<_>>(), [(3, Some(40))]);
}

#[tokio::test]
async fn a_run_begins_where_the_one_before_it_stops() {
    let (_dir, catalog) = catalog().await;
    let one = made(&catalog, "one").await;
    let mut tx = catalog.begin().await.unwrap();
    start_logging(&mut tx, &one.arn, NOW_S, 10).await.unwrap();
    start_logging(&mut tx, &one.arn, NOW_S + 1, 11).await.unwrap();
    stop_logging(&mut tx, &one.arn, NOW_S + 2).await.unwrap();
    runs::stop_at(&mut tx, &one.arn, 25).await.unwrap();
    runs::stop_at(&mut tx, &one.arn, 99).await.unwrap();
    start_logging(&mut tx, &one.arn, NOW_S + 3, 20).await.unwrap();
    tx.commit().await.unwrap();

    let first = runs::current(&catalog, &one.arn).await.unwrap().unwrap();
    assert_eq!((first.start_s, first.stop_s, first.stop_position), (NOW_S, Some(NOW_S + 2), Some(25)));
    assert_eq!(cursors::get(&catalog, &first.cursor()).await.unwrap(), Some(10));
    let mut tx = catalog.begin().await.unwrap();
    runs::end(&mut tx, &first, 27).await.unwrap();
    tx.commit().await.unwrap();
    let second = runs::current(&catalog, &one.arn).await.unwrap().unwrap();
    assert_eq!((second.start_s, second.stop_s, second.stop_position), (NOW_S + 3, None, None));
    assert_eq!(cursors::get(&catalog, &second.cursor()).await.unwrap(), Some(27), "what the first one took is not taken again");
    assert_eq!(cursors::get(&catalog, &first.cursor()).await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_trail_frees_its_name_and_goes_when_its_run_has_ended() {
    let (_dir, catalog) = catalog().await;
    let one = made(&catalog, "one").await;
    let mut tx = catalog.begin().await.unwrap();
    start_logging(&mut tx, &one.arn, NOW_S, 10).await.unwrap();
    delete(&mut tx, &one.arn, NOW_US).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&catalog, &one.arn).await.unwrap(), None);
    let again = made(&catalog, "one").await;
    assert_eq!(ids_of(&catalog, &one.arn).await.unwrap(), [one.id, again.id]);

    let run = runs::current(&catalog, &one.arn).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    runs::end(&mut tx, &run, 12).await.unwrap();
    delete(&mut tx, &again.arn, NOW_US).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(&catalog).await.unwrap(), [] as [i64; 0]);
}

#[tokio::test]
async fn tags_keep_their_order_and_may_lack_a_value() {
    let (_dir, catalog) = catalog().await;
    let one = made(&catalog, "one").await;
    let tag = |key: &str, value: Option<&str>| Tag { key: key.to_owned(), value: value.map(str::to_owned) };
    let given = [tag("zone", Some("a")), tag("Team", None)];
    let mut tx = catalog.begin().await.unwrap();
    set_tags(&mut tx, &one.arn, &given).await.unwrap();
    set_tags(&mut tx, &one.arn, &given).await.unwrap();
    assert_eq!(tags_in(&mut tx, &one.arn).await.unwrap(), given);
    tx.commit().await.unwrap();
    assert_eq!(tags(&catalog, &one.arn).await.unwrap(), given);
}
