use cloudtrail::import::FailureStatus;

use super::*;

const NOW_US: i64 = 1_772_409_600_000_000;
const STORE: &str = "arn:aws:cloudtrail:us-east-1:111111111111:eventdatastore/0f4e0b7e-8a55-4f4b-9d51-000000000001";

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();
    (dir, catalog)
}

fn request(n: u8, account: &str) -> Request {
    Request {
        id: format!("0f4e0b7e-8a55-4f4b-9d51-0000000001{n:02x}"),
        account: account.parse().unwrap(),
        region: "us-east-1".to_owned(),
        store: STORE.to_owned(),
        source: Source {
            uri: "s3://audit-logs/AWSLogs/".to_owned(),
            region: "us-east-1".to_owned(),
            role: "arn:aws:iam::111111111111:role/copy".to_owned(),
        },
        range: Range { start_us: Some(NOW_US - 1), end_us: None },
        principal: "arn:aws:iam::111111111111:root".to_owned(),
        elsewhere: true,
    }
}

async fn made(catalog: &Catalog, n: u8, account: &str, at_us: i64) -> Request {
    let mut tx = catalog.begin().await.unwrap();
    let request = request(n, account);
    insert(&mut tx, &request, at_us).await.unwrap();
    tx.commit().await.unwrap();
    request
}

fn failure(key: &str) -> Failure {
    Failure {
        place: 0,
        key: key.to_owned(),
        status: FailureStatus::Failed,
        error_type: "TruncatedGzip".to_owned(),
        error_message: "the compressed data ends too early".to_owned(),
        events: 0,
        updated_at_us: NOW_US,
    }
}

async fn status_of(catalog: &Catalog, id: &str) -> Status {
    get(catalog, id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn an_import_is_read_as_it_was_written_and_moves_with_its_checkpoint() {
    let (_dir, catalog) = catalog().await;
    let request = made(&catalog, 1, "111111111111", NOW_US).await;
    let import = get(&catalog, &request.id).await.unwrap().unwrap();
    assert_eq!((import.request, import.status, import.created_at_us), (request.clone(), Status::Initializing, NOW_US));
    assert_eq!(import.checkpoint, Checkpoint::default());

    let mut folders = Folders::default();
    for key in ["a/1", "b/1"] {
        folders.enter(key);
    }
    let checkpoint = Checkpoint {
        last_key: Some("b/1".to_owned()),
        folders,
        prefixes_found: 7,
        listed: true,
        position: 42,
        files_completed: 2,
        events_completed: 12,
    };
    let mut tx = catalog.begin().await.unwrap();
    set_checkpoint(&mut tx, &request.id, &checkpoint, NOW_US + 5).await.unwrap();
    tx.commit().await.unwrap();
    let import = get(&catalog, &request.id).await.unwrap().unwrap();
    assert_eq!((import.checkpoint, import.updated_at_us), (checkpoint, NOW_US + 5));
}

#[tokio::test]
async fn an_account_has_one_import_at_a_time_and_its_store_is_held() {
    let (_dir, catalog) = catalog().await;
    let first = made(&catalog, 1, "111111111111", NOW_US).await;
    made(&catalog, 2, "222222222222", NOW_US).await;
    let mut tx = catalog.begin().await.unwrap();
    assert!(insert(&mut tx, &request(3, "111111111111"), NOW_US).await.is_err());
    assert!(ongoing(&mut tx, STORE).await.unwrap() && !ongoing(&mut tx, "another").await.unwrap());
    assert_eq!(ongoing_of(&mut tx, first.account).await.unwrap(), Some(first.id.clone()));
    assert!(set_status(&mut tx, &first.id, Status::Stopped, NOW_US).await.unwrap());
    assert!(!set_status(&mut tx, &first.id, Status::InProgress, NOW_US).await.unwrap(), "what is stopped stays so");
    assert_eq!(ongoing_of(&mut tx, first.account).await.unwrap(), None);
    insert(&mut tx, &request(3, "111111111111"), NOW_US).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all_ongoing(&catalog).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_import_with_a_failed_file_fails_and_completes_once_it_is_mended() {
    let (_dir, catalog) = catalog().await;
    let id = made(&catalog, 1, "111111111111", NOW_US).await.id;
    let mut tx = catalog.begin().await.unwrap();
    fail(&mut tx, &id, &failure("a")).await.unwrap();
    fail(&mut tx, &id, &failure("b")).await.unwrap();
    assert_eq!(finish(&mut tx, &id, NOW_US).await.unwrap(), Status::Failed);
    assert!(retry(&mut tx, &id, NOW_US + 1).await.unwrap());
    assert!(!retry(&mut tx, &id, NOW_US + 1).await.unwrap(), "it is ongoing");
    tx.commit().await.unwrap();
    assert_eq!(status_of(&catalog, &id).await, Status::Initializing);
    let again = to_retry(&catalog, &id, 0, 10).await.unwrap();
    assert_eq!(again.iter().map(|failure| failure.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(to_retry(&catalog, &id, again[0].place, 10).await.unwrap().len(), 1);

    let mut tx = catalog.begin().await.unwrap();
    succeed(&mut tx, &id, "a", NOW_US + 2).await.unwrap();
    assert_eq!(finish(&mut tx, &id, NOW_US).await.unwrap(), Status::Failed, "one was not tried");
    retry(&mut tx, &id, NOW_US + 3).await.unwrap();
    fail(&mut tx, &id, &Failure { events: 3, ..failure("b") }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(failure_count(&catalog, &id).await.unwrap(), 1);
    let all = failures(&catalog, &id, 0, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|f| (f.status, f.events)).collect::<Vec<_>>(),
        [(FailureStatus::Succeeded, 0), (FailureStatus::Failed, 3)]
    );
    assert_eq!(failures(&catalog, &id, all[0].place, 10).await.unwrap().len(), 1);

    let mut tx = catalog.begin().await.unwrap();
    succeed(&mut tx, &id, "b", NOW_US + 4).await.unwrap();
    assert_eq!(finish(&mut tx, &id, NOW_US).await.unwrap(), Status::Completed);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn imports_are_listed_newest_first_page_by_page() {
    let (_dir, catalog) = catalog().await;
    for n in 0..5 {
        let id = made(&catalog, n, "111111111111", NOW_US + i64::from(n / 2)).await.id;
        let mut tx = catalog.begin().await.unwrap();
        set_status(&mut tx, &id, if n == 2 { Status::Stopped } else { Status::Completed }, NOW_US).await.unwrap();
        tx.commit().await.unwrap();
    }
    let filter = Filter {
        account: "111111111111".parse().unwrap(),
        region: "us-east-1",
        store: None,
        status: None,
        after: None,
        limit: 2,
    };
    let mut listed = Vec::new();
    let mut after: Option<(i64, String)> = None;
    loop {
        let place = after.as_ref().map(|(us, id)| (*us, id.as_str()));
        let page = list(&catalog, &Filter { after: place, ..filter.clone() }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.created_at_us, last.request.id.clone()));
        listed.extend(page.into_iter().map(|import| import.request.id));
    }
    assert_eq!(listed, [4, 3, 2, 1, 0].map(|n| request(n, "111111111111").id));
    let count = async |filter: Filter<'_>| list(&catalog, &Filter { limit: 10, ..filter }).await.unwrap().len();
    assert_eq!(count(Filter { status: Some(Status::Stopped), ..filter.clone() }).await, 1);
    assert_eq!(count(Filter { store: Some("another"), ..filter.clone() }).await, 0);
    assert_eq!(count(Filter { region: "eu-west-1", ..filter.clone() }).await, 0);
    assert_eq!(count(Filter { account: "222222222222".parse().unwrap(), ..filter }).await, 0);
}
