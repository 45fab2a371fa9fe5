//! Event history on a real journal and catalog, against a model: a list of events, filtered and sorted.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod house;

use cloudtrail::event::Category;
use cloudtrail::lookup::{AttributeKey, facts};
use pipeline::capture::origin::{Origin, Route};
use pipeline::sinks::event_history::{Error, Page, Query};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use tokio_util::sync::CancellationToken;

use house::{ADOPTED, Arrival, DAY_S, DEFAULT, House, NOW_S, OTHER, event};

fn management(owner: &str) -> Query {
    Query::new(owner.parse().unwrap(), Category::Management, 50)
}

fn ids(page: &Page) -> Vec<String> {
    page.hits.iter().map(|hit| hit.event.event_id().into_owned()).collect()
}

#[tokio::test]
async fn an_event_is_found_by_every_attribute_it_has() {
    let mut house = House::new().await;
    let mut wanted = event("wanted", NOW_S - 10);
    wanted.name = "DeleteBucket".into();
    wanted.source = "s3.amazonaws.com".into();
    wanted.user = "dana".into();
    wanted.access_key = "AKIAEXAMPLEEXAMPLE01".into();
    wanted.bucket = Some("ledgers".into());
    wanted.read_only = false;
    house.record(vec![event("before", NOW_S - 20), wanted.clone(), event("after", NOW_S - 5)]).await;
    let values = [
        (AttributeKey::EventId, "wanted"),
        (AttributeKey::EventName, "DeleteBucket"),
        (AttributeKey::EventSource, "s3.amazonaws.com"),
        (AttributeKey::Username, "dana"),
        (AttributeKey::AccessKeyId, "AKIAEXAMPLEEXAMPLE01"),
        (AttributeKey::ResourceName, "ledgers"),
        (AttributeKey::ResourceType, "AWS::S3::Bucket"),
        (AttributeKey::ReadOnly, "false"),
    ];
    for sealed in [false, true] {
        for (key, value) in values {
            let mut query = management(DEFAULT);
            query.filters = vec![(key, value.to_owned())];
            let page = house.lookup(query.clone()).await;
            assert_eq!(ids(&page), ["wanted"], "{key}, sealed: {sealed}");
            assert_eq!(page.hits[0].event.bytes(), wanted.admit().bytes());
            assert_eq!(page.hits[0].principal, house::PRINCIPAL);
            query.filters[0].1.push('x');
            assert_eq!(ids(&house.lookup(query).await), [""; 0], "{key}, sealed: {sealed}");
        }
        let mut all = management(DEFAULT);
        all.filters = values.map(|(key, value)| (key, value.to_owned())).to_vec();
        assert_eq!(ids(&house.lookup(all.clone()).await), ["wanted"]);
        all.filters.push((AttributeKey::Username, "erin".to_owned()));
        assert_eq!(ids(&house.lookup(all).await), [""; 0]);
        house.seal().await;
    }
}

#[tokio::test]
async fn accounts_regions_and_categories_stay_apart() {
    let mut house = House::new().await;
    let mut events = Vec::new();
    for (i, account) in [DEFAULT, OTHER, ADOPTED].into_iter().enumerate() {
        for (j, region) in ["us-east-1", "eu-west-1", "garage", "shed"].into_iter().enumerate() {
            let mut one = event(&format!("{account}-{region}"), NOW_S - (i * 10 + j) as i64);
            (one.account, one.region) = (account.into(), region.into());
            events.push(one.clone());
            one.id = format!("{account}-{region}-insight");
            one.insight = true;
            events.push(one.clone());
            one.id = format!("{account}-{region}-data");
            (one.insight, one.data) = (false, true);
            events.push(one);
        }
    }
    house.record(events).await;
    for _ in 0..2 {
        let mut query = management(OTHER);
        query.region = Some("eu-west-1".parse().unwrap());
        assert_eq!(ids(&house.lookup(query.clone()).await), ["210987654321-eu-west-1"]);
        query.category = Category::Insight;
        assert_eq!(ids(&house.lookup(query.clone()).await), ["210987654321-eu-west-1-insight"]);
        query.category = Category::Data;
        assert_eq!(ids(&house.lookup(query).await), [""; 0]);

        // Regions that are not configured share their postings, not their events.
        let mut query = management(DEFAULT);
        query.region = Some("garage".parse().unwrap());
        assert_eq!(ids(&house.lookup(query.clone()).await), ["123456789012-garage", "999999999999-garage"]);
        query.region = Some("nowhere".parse().unwrap());
        assert_eq!(ids(&house.lookup(query.clone()).await), [""; 0]);
        query.region = None;
        assert_eq!(house.lookup(query).await.hits.len(), 8, "the default account's and the adopted one's");
        assert_eq!(house.lookup(management(OTHER)).await.hits.len(), 4);
        house.seal().await;
    }
}

#[tokio::test]
async fn events_for_trails_alone_are_not_in_history() {
    let mut house = House::new().await;
    house.record_as(vec![event("trails", NOW_S)], Origin::Import, Route::TRAILS).await;
    house.record_as(vec![event("both", NOW_S)], Origin::Import, Route::TRAILS.with(Route::HISTORY)).await;
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["both"]);
    assert_eq!(house.history().visible(), 2);
}

#[tokio::test]
async fn pages_have_no_gap_or_repeat_while_events_arrive() {
    let mut house = House::with(|config| {
        config.segment_records_max = 40;
        config.merge_fan_in = 3;
    })
    .await;
    let at = |i: i64| NOW_S - 1_000 + i / 7;
    house.record((0..230).map(|i| event(&format!("old-{i}"), at(i))).collect()).await;
    let mut query = management(DEFAULT);
    query.limit = 7;
    let mut seen = Vec::new();
    for round in 0.. {
        let page = house.lookup(query.clone()).await;
        seen.extend(ids(&page));
        let Some(next) = page.next else { break };
        (query.after, query.upper) = (Some(next), page.upper);
        // New ones arrive everywhere, segments are sealed and merged, and the program starts anew.
        let arriving = (0..9).map(|i| event(&format!("new-{round}-{i}"), at(i * 30)));
        house.record(arriving.collect()).await;
        house.tick().await;
        if round % 5 == 4 {
            house.restart().await;
        }
    }
    let expected: Vec<String> = (0..230).rev().map(|i| format!("old-{i}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_time_range_is_inclusive() {
    let mut house = House::new().await;
    house.record((0..100).map(|i| event(&i.to_string(), NOW_S - 100 + i)).collect()).await;
    for _ in 0..2 {
        let mut query = management(DEFAULT);
        (query.start_s, query.end_s) = (Some(NOW_S - 60), Some(NOW_S - 57));
        assert_eq!(ids(&house.lookup(query.clone()).await), ["43", "42", "41", "40"]);
        query.end_s = Some(NOW_S - 61);
        assert_eq!(ids(&house.lookup(query).await), [""; 0]);
        house.seal().await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_found_after_a_restart() {
    let mut house = House::new().await;
    house.record((0..60).map(|i| event(&format!("sealed-{i}"), NOW_S - i)).collect()).await;
    house.seal().await;
    house.record((0..60).map(|i| event(&format!("open-{i}"), NOW_S - i)).collect()).await;
    let mut query = management(DEFAULT);
    query.limit = 200;
    let before = ids(&house.lookup(query.clone()).await);
    assert_eq!(before.len(), 120);

    // A lookup that comes before the journal was read again waits for it.
    house.reopen().await;
    let history = house.history();
    let early = tokio::spawn({
        let query = query.clone();
        async move { history.lookup(query).await.unwrap() }
    });
    house.pump().await;
    assert_eq!(ids(&early.await.unwrap()), before);
    assert!(house.history().status().ready);
}

#[tokio::test]
async fn a_segment_that_was_never_committed_is_removed() {
    let mut house = House::new().await;
    house.record(vec![event("one", NOW_S)]).await;
    house.seal().await;
    house.record(vec![event("two", NOW_S)]).await;
    let sealed = house.segment_files();
    let [file] = &sealed[..] else { panic!("{sealed:?}") };
    // As if the machine had stopped between the file's fsync and the transaction.
    let stray = file.with_file_name("0000000002.seg");
    std::fs::copy(file, &stray).unwrap();
    std::fs::write(file.with_file_name("0000000003.seg"), "half a segm").unwrap();
    house.restart().await;
    assert_eq!(house.segment_files(), sealed);
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["two", "one"]);
    house.seal().await;
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["two", "one"]);
}

#[tokio::test]
async fn a_failed_sealing_is_tried_again_and_nothing_is_lost() {
    let mut house = House::with(|config| config.segment_records_max = 10).await;
    let dir = house.history_dir();
    house.record((0..5).map(|i| event(&i.to_string(), NOW_S + i)).collect()).await;
    std::fs::rename(&dir, dir.with_extension("away")).unwrap();
    house.record((5..12).map(|i| event(&i.to_string(), NOW_S + i)).collect()).await;
    assert!(house.sink().settle().await.is_err());
    let expected: Vec<String> = (0..12).rev().map(|i| i.to_string()).collect();
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), expected);

    std::fs::rename(dir.with_extension("away"), &dir).unwrap();
    house.pass_s(60);
    house.tick().await;
    assert_eq!(house.segment_files().len(), 1);
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), expected);
    house.restart().await;
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), expected);
}

#[tokio::test]
async fn every_damaged_byte_of_a_segment_is_named_or_does_no_harm() {
    let mut house = House::new().await;
    let many = |name: &str, from: i64| (0..400).map(|i| event(&format!("{name}-{i}"), NOW_S - from - i)).collect();
    house.record(many("new", 0)).await;
    house.seal().await;
    house.record(many("old", 10_000)).await;
    house.seal().await;
    let files = house.segment_files();
    let old = files.last().unwrap();
    let intact = std::fs::read(old).unwrap();
    let mut query = management(DEFAULT);
    query.limit = 1_000;
    query.filters = vec![(AttributeKey::ReadOnly, "true".to_owned())];
    let expected = ids(&house.lookup(query.clone()).await);
    assert_eq!(expected.len(), 800);

    let mut named = 0;
    let step = intact.len() / 97;
    let places = (0..intact.len()).step_by(step).chain(intact.len() - 40..intact.len());
    for at in places {
        let mut damaged = intact.clone();
        damaged[at] ^= 0x40;
        std::fs::write(old, &damaged).unwrap();
        house.restart().await;
        match house.try_lookup(query.clone()).await {
            Ok(page) => assert_eq!(ids(&page), expected, "byte {at}"),
            Err(Error::Damaged(damage)) => {
                assert_eq!(&damage.file, old);
                assert!(damage.to_string().contains(old.to_str().unwrap()), "{damage}");
                assert_eq!(house.history().status().damaged, [damage]);
                named += 1;
            }
            Err(error) => panic!("byte {at}: {error}"),
        }
        // Newer events are found all the same, up to where the damage might matter.
        let mut newer = query.clone();
        newer.limit = 400;
        assert_eq!(ids(&house.lookup(newer).await), expected[..400], "byte {at}");
    }
    assert!(named > 40, "{named}");

    std::fs::remove_file(old).unwrap();
    house.restart().await;
    let error = house.try_lookup(query.clone()).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged(damage) if &damage.file == old), "{error}");
    query.start_s = Some(NOW_S - 5_000);
    assert_eq!(ids(&house.lookup(query).await), expected[..400]);
}

#[tokio::test]
async fn a_damaged_segment_is_not_merged_and_others_are() {
    let mut house = House::with(|config| config.merge_fan_in = 2).await;
    let many = |round: i64| (0..100).map(move |i| event(&format!("{round}-{i}"), NOW_S - round * 1_000 - i)).collect();
    for round in 0..2 {
        house.record(many(round)).await;
        house.seal_without_merging().await;
    }
    let files = house.segment_files();
    let mut bytes = std::fs::read(&files[0]).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&files[0], &bytes).unwrap();
    house.restart().await;
    house.tick().await;
    assert_eq!(house.segment_files(), files, "merging found the damage and left both");
    house.record(many(2)).await;
    house.seal_without_merging().await;
    house.pass_s(60);
    house.tick().await;
    assert_eq!(house.history().status().segments, 2);
    assert_eq!(house.history().status().damaged.len(), 1);
    let mut query = management(DEFAULT);
    (query.limit, query.end_s) = (500, Some(NOW_S - 500));
    assert_eq!(house.lookup(query).await.hits.len(), 200);
}

#[tokio::test]
async fn live_events_go_when_they_are_too_old_and_imported_ones_stay() {
    let mut house = House::new().await;
    let aged = |name: &str| vec![event(&format!("{name}-89"), NOW_S - 89 * DAY_S), event(&format!("{name}-1"), NOW_S - DAY_S)];
    house.record(aged("live")).await;
    house.record_as(aged("imported"), Origin::Import, Route::HISTORY).await;
    house.record_as(vec![event("ancient", NOW_S - 900 * DAY_S)], Origin::Import, Route::HISTORY).await;
    house.record(vec![event("late", NOW_S - 91 * DAY_S)]).await;
    for _ in 0..2 {
        let found = ids(&house.lookup(management(DEFAULT)).await);
        assert_eq!(found, ["imported-1", "live-1", "imported-89", "live-89", "ancient"]);
        house.seal().await;
    }
    assert_eq!(house.segment_files().len(), 2);

    // A lookup never returns what is too old, even while the segment is kept for younger ones.
    house.pass_s(2 * DAY_S);
    house.tick().await;
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["imported-1", "live-1", "imported-89", "ancient"]);
    assert_eq!(house.segment_files().len(), 2);
    house.pass_s(89 * DAY_S);
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["imported-1", "imported-89", "ancient"]);
    house.tick().await;
    assert_eq!(house.segment_files().len(), 1);
    house.restart().await;
    assert_eq!(ids(&house.lookup(management(DEFAULT)).await), ["imported-1", "imported-89", "ancient"]);
}

#[tokio::test]
async fn a_lookup_that_costs_too_much_ends_early_and_goes_on() {
    let mut house = House::with(|config| {
        config.lookup_blocks_max = 3;
        config.lookup_steps_max = 40;
    })
    .await;
    // One user's and one name's records alternate, but for a single one that has both.
    let odd = |i: i64| {
        let mut one = event(&i.to_string(), NOW_S - i);
        if i % 2 == 0 || i == 777 {
            one.user = "dana".into();
        }
        if i % 2 == 1 {
            one.name = "DeleteUser".into();
        }
        one
    };
    house.record((0..1_500).map(odd).collect()).await;
    house.seal().await;
    let mut query = management(DEFAULT);
    query.filters = vec![(AttributeKey::Username, "dana".to_owned()), (AttributeKey::EventName, "DeleteUser".to_owned())];
    let (mut found, mut calls) = (Vec::new(), 0);
    loop {
        let page = house.lookup(query.clone()).await;
        found.extend(ids(&page));
        calls += 1;
        let Some(next) = page.next else { break };
        assert!(query.after.is_none_or(|after| next < after), "no progress");
        (query.after, query.upper) = (Some(next), page.upper);
    }
    assert_eq!(found, ["777"]);
    assert!(calls > 5, "{calls}");
}

#[tokio::test]
async fn a_follower_carries_the_journal_into_history() {
    let house = House::new().await;
    let stop = CancellationToken::new();
    let (house, follower) = house.into_follower();
    let status = follower.status();
    let task = tokio::spawn(follower.run(stop.clone()));
    let positions = house.append((0..3_000).map(|i| event(&i.to_string(), NOW_S - i)).collect()).await;
    house.history().wait_visible(positions.end).await.unwrap();
    let mut query = management(DEFAULT);
    query.filters = vec![(AttributeKey::EventId, "1234".to_owned())];
    let page = house.history().lookup(query).await.unwrap();
    assert_eq!(ids(&page), ["1234"]);
    assert_eq!(status.problem(), None);
    stop.cancel();
    task.await.unwrap();
    assert_eq!(status.position(), positions.end);
}

#[tokio::test]
async fn merging_changes_no_answer() {
    let mut house = House::with(|config| {
        config.merge_fan_in = 3;
        config.merged_records_max = 20_000;
    })
    .await;
    // Large enough for dictionaries; about in order of time, so that most blocks are copied as they are, and with some
    // late ones, so that others are not.
    let one = |i: i64| {
        let mut one = event(&format!("{i:08}"), NOW_S - 20_000 + if i % 500 == 499 { 7 } else { i });
        one.user = format!("user-{}", i % 13);
        one.bucket = Some(format!("bucket-{}-{}", i % 101, "x".repeat(400)));
        one.source = "s3.amazonaws.com".into();
        one
    };
    for round in 0..3 {
        house.record((0..1_400).map(|i| one(round * 1_400 + i)).collect()).await;
        house.seal_without_merging().await;
    }
    let mut query = management(DEFAULT);
    query.limit = 10_000;
    let mut queries = vec![query.clone()];
    for pick in 0..16 {
        let filters = [AttributeKey::ALL[pick % 8], AttributeKey::ALL[(pick + 3) % 8]];
        query.filters = filters.iter().filter_map(|key| house.value(*key, pick * 97)).collect();
        queries.push(query.clone());
    }
    for (segments, merged) in [(3, false), (1, true)] {
        assert_eq!(house.history().status().segments, segments);
        for query in &queries {
            let found: Vec<_> = house.lookup(query.clone()).await.hits.iter().map(|hit| hit.position).collect();
            assert_eq!(found, house.model(query), "{segments} segments: {query:?}");
        }
        if !merged {
            house.tick().await;
            house.restart().await;
        }
    }
}

/// What may happen to a house.
#[derive(Clone, Debug)]
enum Happening {
    Events(Vec<Arrival>, bool),
    Seal,
    Tick,
    Restart,
    Lookup(Ask),
}

#[derive(Clone, Debug)]
struct Ask {
    owner: usize,
    region: Option<usize>,
    filters: Vec<(usize, usize)>,
    range_s: Option<(i64, i64)>,
    limit: usize,
}

const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "garage", "shed"];
const ACCOUNTS: [&str; 3] = [DEFAULT, OTHER, ADOPTED];

fn arrival() -> impl Strategy<Value = Arrival> {
    let who = (0..3usize, 0..4usize, 0..5u8, 0..3u8);
    let what = (0..6u8, 0..3u8, proptest::option::of(0..4u8), any::<bool>(), 0..20u8);
    (who, what, 0..600i64).prop_map(|((account, region, user, key), (name, source, bucket, read_only, kind), age_s)| {
        let mut one = event(&format!("id-{age_s}"), NOW_S - age_s / 3 - if age_s < 20 { 400 * DAY_S } else { 0 });
        (one.account, one.region) = (ACCOUNTS[account].into(), REGIONS[region].into());
        (one.user, one.access_key) = (format!("user-{user}"), format!("AKIA{key}"));
        (one.name, one.source) = (format!("Name{name}"), format!("s{source}.amazonaws.com"));
        if let Some(bucket) = bucket {
            one.source = "s3.amazonaws.com".into();
            one.bucket = Some(format!("bucket-{bucket}"));
        }
        (one.read_only, one.insight, one.data) = (read_only, kind == 1, kind == 2);
        one
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let range = proptest::option::of((0..250i64, 0..100i64).prop_map(|(from, len)| (NOW_S - from - len, NOW_S - from)));
    let filters = proptest::collection::vec((0..AttributeKey::ALL.len(), any::<usize>()), 0..3);
    (0..2usize, proptest::option::of(0..4usize), filters, range, 1..30usize)
        .prop_map(|(owner, region, filters, range_s, limit)| Ask { owner, region, filters, range_s, limit })
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (proptest::collection::vec(arrival(), 1..60), any::<bool>())
            .prop_map(|(events, imported)| Happening::Events(events, imported)),
        2 => Just(Happening::Seal),
        2 => Just(Happening::Tick),
        1 => Just(Happening::Restart),
        6 => ask().prop_map(Happening::Lookup),
    ]
}

#[test]
fn lookups_answer_like_a_sorted_list() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let happenings = proptest::collection::vec(happening(), 5..60);
    let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().expect("SEED is a number"));
    println!("SEED={seed}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() };
    let life = |happenings| runtime.block_on(live(happenings)).map_err(TestCaseError::fail);
    TestRunner::new_with_rng(config, rng).run(&happenings, life).unwrap();
}

async fn live(happenings: Vec<Happening>) -> Result<(), String> {
    let mut house = House::with(|config| {
        config.segment_records_max = 70;
        config.merge_fan_in = 3;
        config.merged_records_max = 500;
        config.cache_bytes_max = 20_000;
    })
    .await;
    for happening in happenings {
        match happening {
            Happening::Events(events, imported) => {
                let origin = if imported { Origin::Import } else { Origin::Ingest };
                house.record_as(events, origin, Route::HISTORY).await;
            }
            Happening::Seal => house.seal_without_merging().await,
            Happening::Tick => house.tick().await,
            Happening::Restart => house.restart().await,
            Happening::Lookup(ask) => check(&house, &ask).await?,
        }
    }
    check(&house, &Ask { owner: 0, region: None, filters: Vec::new(), range_s: None, limit: 7 }).await
}

/// All pages of `ask`, against the model.
async fn check(house: &House, ask: &Ask) -> Result<(), String> {
    let mut query = management(ACCOUNTS[ask.owner]);
    query.limit = ask.limit;
    query.region = ask.region.map(|region| REGIONS[region].parse().unwrap());
    (query.start_s, query.end_s) = ask.range_s.unzip();
    query.filters = ask.filters.iter().filter_map(|(key, pick)| house.value(AttributeKey::ALL[*key], *pick)).collect();
    let mut found = Vec::new();
    let first = query.clone();
    loop {
        let page = house.try_lookup(query.clone()).await.map_err(|error| error.to_string())?;
        if page.hits.len() > query.limit {
            return Err(format!("{} hits in a page of {}", page.hits.len(), query.limit));
        }
        found.extend(page.hits.iter().map(|hit| hit.position));
        let Some(next) = page.next else { break };
        (query.after, query.upper) = (Some(next), page.upper);
    }
    let expected = house.model(&first);
    if found == expected { Ok(()) } else { Err(format!("{first:?}\nfound    {found:?}\nexpected {expected:?}")) }
}

#[test]
fn the_model_knows_facts() {
    let mut one = event("x", NOW_S);
    (one.source, one.bucket) = ("s3.amazonaws.com".into(), Some("b".into()));
    let facts = facts(&one.admit());
    assert_eq!(facts.username.as_deref(), Some("someone"));
    assert_eq!(facts.resources.len(), 1);
}
