//! When files are cut, and what is in them.

use cloudtrail::log_file::Key;
use cloudtrail::selectors::EventSelector;
use pipeline::sinks::log_files::cut::Cut;

use super::*;

#[tokio::test]
async fn files_are_cut_when_the_oldest_event_has_waited_long_enough() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.turn_to(1);
    let first = site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(3);
    let second = site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    assert!(site.deliver(&trail).await.is_empty());
    site.turn_to(4);
    site.pump(&mut sink).await.unwrap();

    let delivered = site.deliver(&trail).await;
    let [(file, bytes)] = delivered.as_slice() else { panic!("{} files", delivered.len()) };
    assert_eq!(event_ids(bytes), [first, second]);
    assert_eq!((file.cut_at_s, file.events), (T0 + 4, 2));
    assert_eq!((file.oldest_s, file.newest_s), (T0 + 1, T0 + 3));
    assert_eq!(bytes[4..8], ((T0 + 4) as u32).to_le_bytes(), "the member bears the time of the cut");
    let key = Key::parse(&file.key).expect("the key of a log file");
    assert_eq!(key.name.cut_at_s, T0);
    site.turn_to(60);
    site.pump(&mut sink).await.unwrap();
    assert!(site.deliver(&trail).await.is_empty(), "no file without events");
}

#[tokio::test]
async fn accounts_regions_and_kinds_of_events_have_files_of_their_own() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.record(ACCOUNT, AWAY, "").await;
    site.record(ADOPTED, AWAY, "").await;
    site.record(ACCOUNT, AWAY, "").await;
    site.record(ACCOUNT, "mars-1", "").await;
    site.turn_to(DELIVERY_S);
    site.pump(&mut sink).await.unwrap();
    let delivered = site.deliver(&trail).await;
    let seen: Vec<_> = delivered
        .iter()
        .map(|(file, bytes)| {
            let folder = file.key.rsplit_once('/').unwrap().0;
            (folder, event_ids(bytes))
        })
        .collect();
    let ids = |numbers: &[u32]| numbers.iter().map(|n| format!("event-{n:05}")).collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            ("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/20", ids(&[2, 4])),
            ("AWSLogs/123456789012/CloudTrail/us-east-1/2026/11/20", ids(&[1])),
            ("AWSLogs/999999999999/CloudTrail/eu-west-1/2026/11/20", ids(&[3])),
        ],
        "an event of a Region that is not configured is not delivered"
    );
}

#[tokio::test]
async fn full_buffers_are_cut_at_once_and_each_cut_is_in_the_journal() {
    let config = Config { file_bytes_max: 3_000, ..Config::default() };
    let mut site = Site::with(config).await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    for _ in 0..60 {
        site.record(ACCOUNT, HOME, "").await;
    }
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    let delivered = site.deliver(&trail).await;
    assert!(delivered.len() >= 3, "{} files", delivered.len());
    let frames = site.parts.journal.read(0, 1 << 20).unwrap();
    let cuts: Vec<Cut> = frames.iter().filter_map(|frame| Cut::parse(&frame.payload)).collect();
    assert_eq!(cuts.len(), delivered.len());
    assert!(cuts.windows(2).all(|pair| pair[0].to <= pair[1].from));
    for cut in &cuts {
        let sha256 = &cut.files[0].sha256;
        assert!(delivered.iter().any(|(file, _)| hex::encode(file.sha256) == *sha256));
    }
    assert_eq!(frames.iter().find(|f| Cut::parse(&f.payload).is_some()).unwrap().ledger, "123456789012/us-east-1");
}

#[tokio::test]
async fn a_change_of_selectors_counts_from_its_place_in_the_journal() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let before = site.record(ACCOUNT, HOME, r#","readOnly":true"#).await;
    let writes = EventSelector { read_write_type: cloudtrail::selectors::ReadWriteType::WriteOnly, ..EventSelector::default() };
    site.update(&trail, trail.settings.clone(), Selectors::Basic(vec![writes])).await;
    site.record(ACCOUNT, HOME, r#","readOnly":true"#).await;
    let after = site.record(ACCOUNT, HOME, r#","readOnly":false"#).await;

    // The follower was away: it judges each event by what applied when it came.
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DELIVERY_S);
    site.pump(&mut sink).await.unwrap();
    let ids: Vec<_> = site.deliver(&trail).await.iter().map(|(_, bytes)| event_ids(bytes)).collect();
    let mut flat = ids.concat();
    flat.sort();
    assert_eq!(flat, [before, after]);
    assert_eq!(ids.len(), 2, "a change cuts");
}

#[tokio::test]
async fn another_bucket_gets_the_files_after_the_change() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let signals = Signals::default();
    let mut sink = site.sink_with(&trail, signals.clone()).await;
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    let settings =
        Settings { s3_bucket_name: "elsewhere".to_owned(), s3_key_prefix: Some("p".to_owned()), ..trail.settings.clone() };
    site.update(&trail, settings, trail.selectors.clone()).await;
    signals.changes.fetch_add(1, Ordering::Release);
    site.pump(&mut sink).await.unwrap();
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DELIVERY_S);
    site.pump(&mut sink).await.unwrap();
    let delivered = site.deliver(&trail).await;
    let places: Vec<_> = delivered.iter().map(|(file, _)| (file.bucket.as_str(), file.key.starts_with("p/AWSLogs/"))).collect();
    assert_eq!(places, [("acme-audit", false), ("elsewhere", true)]);
}

#[tokio::test]
async fn a_trail_stands_still_while_its_spool_is_full_and_loses_nothing() {
    let config = Config { spool_bytes_max: 1, ..Config { file_bytes_max: 2_000, ..Config::default() } };
    let mut site = Site::with(config).await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    for _ in 0..60 {
        site.record(ACCOUNT, HOME, "").await;
    }
    let mut sink = site.sink(&trail).await;
    let mut ids = Vec::new();
    let mut refusals = 0;
    while let Err(error) = site.pump(&mut sink).await {
        assert!(matches!(error, SinkError::Retry(_)), "{error}");
        refusals += 1;
        let delivered = site.deliver(&trail).await;
        assert_eq!(delivered.len(), 1);
        ids.extend(event_ids(&delivered[0].1));
    }
    assert!(refusals >= 3);
    site.turn_to(3600);
    site.pump(&mut sink).await.unwrap_err();
    for (_, bytes) in site.deliver(&trail).await {
        ids.extend(event_ids(&bytes));
    }
    site.pump(&mut sink).await.unwrap();
    for (_, bytes) in site.deliver(&trail).await {
        ids.extend(event_ids(&bytes));
    }
    assert_eq!(ids, (1..=60).map(|n| format!("event-{n:05}")).collect::<Vec<_>>());
}
