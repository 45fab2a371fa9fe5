use pipeline::capture::origin::Route;
use pipeline::route::follower::{Sink, SinkError};

use super::lab::*;
use crate::tables::Config;

#[tokio::test]
async fn rows_are_visible_at_once_and_after_the_flush() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 5, 0)).await;
    assert_eq!(lab.ids().await, expected_ids(5));
    assert_eq!((lab.snapshot().files().len(), lab.snapshot().end(), lab.cursor().await), (0, 5, 0));
    assert!(lab.tables.wait_visible(STORE, 5).await);
    lab.sink.flush().await.unwrap();
    lab.write(events(5, 3, 100)).await;
    assert_eq!(lab.ids().await, expected_ids(8));
    assert_eq!((lab.snapshot().files().len(), lab.cursor().await), (1, 5));
}

#[tokio::test]
async fn a_crash_loses_nothing_and_doubles_nothing() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 5, 0)).await;
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(5), "before any flush");
    lab.sink.flush().await.unwrap();
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(5), "after a flush");
    lab.write(events(5, 4, 50)).await;
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(9), "with files and a tail");
    lab.sink.finish().await.unwrap();
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(9), "after winding up");
}

#[tokio::test]
async fn files_that_were_never_committed_are_removed_at_the_start() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 4, 0)).await;
    lab.sink.flush().await.unwrap();
    let committed = lab.data_files();
    // What is left when the program dies between the file and the commit, and in the middle of a file.
    let written = committed[0].with_file_name("00065000000000-000.parquet");
    std::fs::copy(&committed[0], &written).unwrap();
    std::fs::write(written.with_extension("parquet.tmp"), "PAR1").unwrap();
    lab = lab.crash().await;
    assert_eq!(lab.data_files(), committed);
    assert_eq!(lab.ids().await, expected_ids(4));
}

#[tokio::test]
async fn a_commit_that_never_happened_is_made_up_for() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 4, 0)).await;
    lab.sink.flush().await.unwrap();
    lab.write(events(4, 4, 100)).await;
    // The files of the second flush are on disk, the transaction is not.
    let mut tx = lab.catalog.begin().await.unwrap();
    let before = catalog::lake_files::list(&lab.catalog, STORE).await.unwrap();
    catalog::cursors::set(&mut tx, "other", 1).await.unwrap();
    tx.commit().await.unwrap();
    lab.sink.flush().await.unwrap();
    let mut tx = lab.catalog.begin().await.unwrap();
    for file in catalog::lake_files::list(&lab.catalog, STORE).await.unwrap() {
        if !before.contains(&file) {
            catalog::lake_files::remove(&mut tx, file.id).await.unwrap();
        }
    }
    catalog::cursors::set(&mut tx, &crate::tables::cursor_name(STORE), 4).await.unwrap();
    tx.commit().await.unwrap();
    lab = lab.crash().await;
    assert_eq!(lab.data_files().len(), 1);
    assert_eq!(lab.ids().await, expected_ids(8));
}

#[tokio::test]
async fn a_full_disk_delays_and_loses_nothing() {
    let config = Config { tail_rows_max: 4, ..Config::default() };
    let mut lab = Lab::new(config).await;
    // No file can be made in what is no folder.
    let data = info().folder(&lab.dir.path().join("lake")).join("data");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::write(&data, "").unwrap();
    lab.write(events(0, 4, 0)).await;
    lab.write(events(4, 4, 10)).await;
    let failed = lab.try_write(events(8, 4, 20), Route::LIVE).await;
    assert!(matches!(&failed, Err(SinkError::Retry(reason)) if reason.contains("data")), "{failed:?}");
    assert_eq!(lab.ids().await, expected_ids(8), "what was taken stays visible");
    std::fs::remove_file(&data).unwrap();
    let again = lab.journal.split_off(8);
    lab.write(again.into_iter().map(|(event, _)| event).collect()).await;
    lab.sink.flush().await.unwrap();
    assert_eq!(lab.ids().await, expected_ids(12));
    assert_eq!(lab.cursor().await, 12);
}

#[tokio::test]
async fn batches_that_come_twice_count_once_and_gaps_are_told() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 4, 0)).await;
    let journal = lab.journal.clone();
    lab.journal.clear();
    lab.write(journal.into_iter().map(|(event, _)| event).collect()).await;
    assert_eq!(lab.ids().await, expected_ids(4));
    lab.journal.extend(std::iter::repeat_n((event("x", 0), Route::LIVE), 5));
    let failed = lab.try_write(events(20, 1, 0), Route::LIVE).await;
    assert!(matches!(failed, Err(SinkError::Fatal(_))), "{failed:?}");
}

#[tokio::test]
async fn nothing_is_passed_over_while_no_route_leads_to_the_store() {
    let mut lab = Lab::new(Config::default()).await;
    let routes = lab.routes.swap(std::sync::Arc::default());
    let failed = lab.try_write(events(0, 3, 0), Route::LIVE).await;
    assert!(matches!(failed, Err(SinkError::Retry(_))), "{failed:?}");
    lab.routes.store(routes);
    let again = lab.journal.split_off(0);
    lab.write(again.into_iter().map(|(event, _)| event).collect()).await;
    assert_eq!(lab.ids().await, expected_ids(3));
}

#[tokio::test]
async fn imported_events_are_kept_once_over_restarts() {
    let named = Route::store(NUMBER);
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 3, 0)).await;
    // In the tail, twice in one batch, and new.
    let mut imported = events(0, 5, 0);
    imported.extend(events(4, 1, 4));
    lab.try_write(imported.clone(), named).await.unwrap();
    assert_eq!(lab.ids().await, expected_ids(5));
    lab.sink.flush().await.unwrap();
    // In a file.
    lab.try_write(imported.clone(), named).await.unwrap();
    assert_eq!(lab.ids().await, expected_ids(5));
    lab = lab.crash().await;
    lab.try_write(imported, named).await.unwrap();
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(5));
    // The same identity with other content is another event.
    lab.try_write(vec![event_with("e-00001", 1, r#","errorCode":"AccessDenied""#)], named).await.unwrap();
    assert_eq!(lab.ids().await.len(), 6);
}

#[tokio::test]
async fn damaged_files_are_named() {
    for (damage, expected) in [("flip", "checksum"), ("cut", "bytes instead of"), ("remove", "missing")] {
        let mut lab = Lab::new(Config::default()).await;
        lab.write(events(0, 50, 0)).await;
        lab.sink.flush().await.unwrap();
        let file = lab.data_files().remove(0);
        let mut bytes = std::fs::read(&file).unwrap();
        match damage {
            "flip" => {
                bytes[100] ^= 1;
                std::fs::write(&file, bytes).unwrap();
            }
            "cut" => {
                bytes.truncate(bytes.len() - 1);
                std::fs::write(&file, bytes).unwrap();
            }
            _ => std::fs::remove_file(&file).unwrap(),
        }
        for start in ["running", "restarted"] {
            if start == "restarted" {
                lab = lab.crash().await;
            }
            let error = lab.query("SELECT eventjson FROM t").await.unwrap_err().to_string();
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(error.contains(name) && error.contains(expected), "{damage}, {start}: {error}");
        }
    }
}

#[tokio::test]
async fn a_dropped_store_leaves_nothing_but_what_is_being_read() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 4, 0)).await;
    lab.sink.flush().await.unwrap();
    let snapshot = lab.snapshot();
    lab.tables.drop_store(&info()).await.unwrap();
    assert!(lab.tables.snapshot(STORE).is_none());
    assert_eq!(catalog::lake_files::list(&lab.catalog, STORE).await.unwrap(), []);
    let rows = query(&snapshot, "SELECT count(*) FROM t WHERE eventid > ''", &std::sync::Arc::default()).await.unwrap();
    assert_eq!(rows, [["4"]]);
    drop(snapshot);
    let Lab { sink, tables, dir, .. } = lab;
    drop(sink);
    tables.sweep().await.unwrap();
    assert!(!info().folder(&dir.path().join("lake")).exists());
}
