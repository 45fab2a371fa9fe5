use pipeline::clock::Clock;
use pipeline::route::follower::Sink;

use super::lab::*;
use crate::tables::Config;

/// Lets what is due be done until nothing is.
async fn work(lab: &mut Lab) {
    for _ in 0..20 {
        lab.sink.tick(lab.clock.now_us()).await.unwrap();
        lab.sink.settle().await.unwrap();
    }
}

#[tokio::test]
async fn merging_changes_files_and_no_row() {
    let config = Config { merge_fan_in: 3, row_group_rows_max: 16, ..Config::default() };
    let mut lab = Lab::new(config).await;
    for number in 0..9 {
        lab.write(events(number * 10, 10, (number as i64 * 7) % 40)).await;
        lab.sink.flush().await.unwrap();
    }
    let before =
        lab.query("SELECT eventid, eventtime, useridentity.username, eventjson, _position FROM t ORDER BY eventid").await;
    let (before, held) = (before.unwrap(), lab.snapshot());
    let files = lab.data_files();
    assert_eq!(files.len(), 9);
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 1);
    let file = lab.snapshot().files()[0].clone();
    assert!(file.merged() && file.rows() == 90);
    let after = lab.query("SELECT eventid, eventtime, useridentity.username, eventjson, _position FROM t ORDER BY eventid").await;
    assert_eq!(after.unwrap(), before);
    // What a snapshot holds stays on disk until it is let go.
    assert_eq!(query(&held, "SELECT eventid FROM t", &std::sync::Arc::default()).await.unwrap().len(), 90);
    assert_eq!(lab.data_files().len(), 10);
    drop(held);
    assert_eq!(lab.data_files(), [file.path()]);
    lab = lab.crash().await;
    assert_eq!(lab.ids().await, expected_ids(90));
}

#[tokio::test]
async fn a_quiet_day_becomes_one_file() {
    let mut lab = Lab::new(Config::default()).await;
    for number in 0..3 {
        lab.write(events(number * 10, 10, 0)).await;
        lab.sink.flush().await.unwrap();
    }
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 3, "more may come");
    lab.clock.pass(600 * SECOND_US);
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 1);
    assert_eq!(lab.ids().await, expected_ids(30));
}

#[tokio::test]
async fn files_are_not_merged_while_the_tail_fills_up_at_once() {
    let config = Config { tail_rows_max: 10, merge_fan_in: 3, ..Config::default() };
    let mut lab = Lab::new(config).await;
    for number in 0..4 {
        lab.write(events(number * 12, 12, 0)).await;
        lab.sink.settle().await.unwrap();
    }
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 4);
    lab.clock.pass(5 * SECOND_US);
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 2, "three have become one");
    assert_eq!(lab.ids().await, expected_ids(48));
}

#[tokio::test]
async fn a_damaged_file_is_not_merged_and_nothing_is_lost() {
    let config = Config { merge_fan_in: 3, ..Config::default() };
    let mut lab = Lab::new(config).await;
    for number in 0..3 {
        lab.write(events(number * 10, 10, 0)).await;
        lab.sink.flush().await.unwrap();
    }
    let file = lab.data_files().remove(1);
    std::fs::write(&file, "not Parquet").unwrap();
    lab.clock.pass(600 * SECOND_US);
    for _ in 0..3 {
        lab.sink.tick(lab.clock.now_us()).await.unwrap();
        // The failed merge is told by the next tick.
        let _failed = lab.sink.settle().await;
        lab.clock.pass(60 * SECOND_US);
    }
    assert!(file.exists());
    let error = lab.query("SELECT eventid FROM t").await.unwrap_err().to_string();
    assert!(error.contains(file.file_name().unwrap().to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn what_is_too_old_is_left_out_and_then_dropped() {
    let mut lab = Lab::new(Config { tail_age_us_max: 10 * DAY_US, ..Config::default() }).await;
    let hour = 3_600;
    lab.write(events(0, 5, -48 * hour)).await;
    lab.write(events(5, 5, hour)).await;
    lab.sink.flush().await.unwrap();
    lab.write(events(10, 5, 23 * hour)).await;
    assert_eq!(lab.snapshot().files().len(), 2, "one for each day");
    lab.set_retention(2);
    assert_eq!(lab.ids().await.len(), 10, "the clock stands at the end of the day");
    assert_eq!(lab.query("SELECT count(*) FROM t").await.unwrap(), [["10"]]);
    lab.clock.pass(61 * SECOND_US);
    work(&mut lab).await;
    assert_eq!(lab.snapshot().files().len(), 1);
    assert_eq!(lab.data_files().len(), 1);
    // A file that is old in part, and the tail.
    lab.clock.pass((25 * hour + 2 - 61) * SECOND_US);
    assert_eq!(lab.ids().await, expected_ids(15)[7..]);
    assert_eq!(lab.query("SELECT count(*) FROM t").await.unwrap(), [["8"]]);
    lab.clock.pass(22 * hour * SECOND_US);
    assert_eq!(lab.ids().await, expected_ids(15)[12..]);
}

#[tokio::test]
async fn the_tail_is_flushed_by_size_and_by_age() {
    let config = Config { tail_rows_max: 10, tail_age_us_max: 60 * SECOND_US, ..Config::default() };
    let mut lab = Lab::new(config).await;
    lab.write(events(0, 12, 0)).await;
    lab.sink.settle().await.unwrap();
    assert_eq!(lab.cursor().await, 12);
    lab.write(events(12, 2, 0)).await;
    work(&mut lab).await;
    assert_eq!(lab.cursor().await, 12);
    lab.clock.pass(60 * SECOND_US);
    work(&mut lab).await;
    assert_eq!(lab.cursor().await, 14);
    assert_eq!(lab.ids().await, expected_ids(14));
}

#[tokio::test]
async fn the_cursor_moves_although_the_store_takes_nothing() {
    let mut lab = Lab::new(Config::default()).await;
    lab.set_retention(0);
    lab.write(events(0, 12, 0)).await;
    work(&mut lab).await;
    assert_eq!(lab.cursor().await, 0);
    lab.clock.pass(10 * SECOND_US);
    work(&mut lab).await;
    assert_eq!((lab.cursor().await, lab.data_files().len()), (12, 0));
}
