//! Crashes at every step of a cut.

use std::fs;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use cloudtrail::log_file::unique;

use super::*;

/// Where the program ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    Never,
    /// The cut is journaled, no file is written.
    Journaled,
    /// One of two files is written.
    HalfSpooled,
    /// All files are written, the catalog knows nothing.
    Spooled,
    /// The catalog has committed.
    Committed,
}

/// Two Regions, one cut, one crash, an hour later another start, and another cut.
async fn scenario(crash: Crash) -> Vec<(String, Vec<u8>)> {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.record(ACCOUNT, AWAY, "").await;
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DELIVERY_S);
    match crash {
        Crash::Never | Crash::Committed => site.pump(&mut sink).await.unwrap(),
        Crash::Journaled => {
            fs::remove_dir(&site.spool_dir).unwrap();
            site.pump(&mut sink).await.unwrap_err();
            fs::create_dir(&site.spool_dir).unwrap();
        }
        Crash::HalfSpooled => {
            // Positions 0 to 2 are the events; the file of the second Region cannot be written.
            let name = unique(&trail.arn, ACCOUNT.parse().unwrap(), &region(HOME), 0);
            let in_the_way = site.spool_dir.join(format!("{name}.json.gz.tmp"));
            fs::create_dir(&in_the_way).unwrap();
            site.pump(&mut sink).await.unwrap_err();
            assert_eq!(finished(&site), 1);
            fs::remove_dir(&in_the_way).unwrap();
        }
        Crash::Spooled => {
            let tx = site.catalog().begin().await.unwrap();
            let mut tick = pin!(sink.tick(site.now.now_us()));
            std::future::poll_fn(|context| {
                assert!(tick.as_mut().poll(context).is_pending(), "nobody can commit");
                context.waker().wake_by_ref();
                if finished(&site) == 2 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            drop(tx);
        }
    }
    drop(sink);
    if crash != Crash::Never {
        site.turn_to(3600);
    }
    let mut sink = site.sink(&trail).await;
    site.pump(&mut sink).await.unwrap();
    let delivered = site.deliver(&trail).await;
    site.turn_to(7200);
    site.pump(&mut sink).await.unwrap();
    assert!(site.deliver(&trail).await.is_empty(), "{crash:?}: nothing comes twice");
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(7200 + DELIVERY_S);
    site.pump(&mut sink).await.unwrap();
    assert_eq!(site.deliver(&trail).await.len(), 1, "{crash:?}: it goes on");
    delivered.into_iter().map(|(file, bytes)| (file.key, bytes)).collect()
}

fn finished(site: &Site) -> usize {
    site.parts.spool.names().unwrap_or_default().iter().filter(|name| name.ends_with(".json.gz")).count()
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_cut_gives_the_same_names_and_bytes() {
    let undisturbed = scenario(Crash::Never).await;
    assert_eq!(undisturbed.len(), 2);
    for crash in [Crash::Journaled, Crash::HalfSpooled, Crash::Spooled, Crash::Committed] {
        assert!(scenario(crash).await == undisturbed, "{crash:?}");
    }
}

#[tokio::test]
async fn a_file_that_a_crash_kept_back_is_in_the_interval_of_its_cut() {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    site.start(&trail).await;
    let mut sink = site.sink(&trail).await;
    site.record(ACCOUNT, HOME, "").await;
    site.pump(&mut sink).await.unwrap();
    site.turn_to(DELIVERY_S);
    fs::remove_dir(&site.spool_dir).unwrap();
    site.pump(&mut sink).await.unwrap_err();
    drop(sink);
    fs::create_dir(&site.spool_dir).unwrap();
    site.turn_to(35);
    let mut sink = site.sink(&trail).await;
    assert!(site.digests(&trail).await.len() <= 1, "no interval is closed before the cut is made again");
    site.pump(&mut sink).await.unwrap();
    site.deliver(&trail).await;
    let closed = site.digests(&trail).await;
    let counts: Vec<_> = closed.iter().map(|c| (c.interval, c.files.len())).collect();
    assert!(counts.contains(&((0, 10), 1)), "{counts:?}");
    assert_eq!(counts.iter().map(|(_, files)| files).sum::<usize>(), 1);
}

/// A small generator: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Everything that is recorded while the trail logs is in exactly one file; nothing else is.
async fn exactly_once(seed: u64) {
    let mut site = Site::new().await;
    let trail = site.trail("main").await;
    let mut dice = Dice(seed);
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    let mut sink: Option<LogFiles> = None;
    let mut logging = false;
    for _ in 0..150 {
        match dice.roll(12) {
            0..=4 => {
                let region = [HOME, AWAY, "ap-south-1"][dice.roll(3) as usize];
                let id = site.record(ACCOUNT, region, "").await;
                expected.extend(logging.then_some(id));
            }
            5..=7 => site.turn_to(site.second() + dice.roll(4) as i64),
            8 => sink = None,
            9 => {
                fs::rename(&site.spool_dir, site.spool_dir.with_extension("away")).unwrap();
                if let Some(sink) = &mut sink {
                    let _ = site.pump(sink).await;
                }
                fs::rename(site.spool_dir.with_extension("away"), &site.spool_dir).unwrap();
            }
            10 if logging => {
                site.stop(&trail, false).await;
                logging = false;
                sink = None;
            }
            10 => {
                site.start(&trail).await;
                logging = true;
            }
            _ => found.extend(site.deliver(&trail).await.iter().flat_map(|(_, bytes)| event_ids(bytes))),
        }
        sink = work(&site, &trail, sink).await;
    }
    if logging {
        site.stop(&trail, false).await;
    }
    while site.run(&trail).await.is_some() {
        work(&site, &trail, None).await;
    }
    found.extend(site.deliver(&trail).await.iter().flat_map(|(_, bytes)| event_ids(bytes)));
    found.sort();
    assert_eq!(found, expected, "seed {seed}");
    check_tiling(&site.digests(&trail).await, seed);
}

/// A step of the follower; the runs of a trail follow each other.
async fn work(site: &Site, trail: &Trail, sink: Option<LogFiles>) -> Option<LogFiles> {
    let signals = Signals::default();
    let mut sink = match sink {
        Some(sink) => sink,
        None if site.run(trail).await.is_none() => return None,
        None => site.sink_with(trail, signals.clone()).await,
    };
    site.pump(&mut sink).await.unwrap();
    (!signals.ended.is_cancelled()).then_some(sink)
}

/// The digests of a chain follow each other without a gap, and no two of a Region end together: they would bear one name.
fn check_tiling(closed: &[Closed], seed: u64) {
    for pair in closed.windows(2).filter(|pair| pair[0].chain == pair[1].chain) {
        assert_eq!(pair[0].interval.1, pair[1].interval.0, "seed {seed}");
    }
    let mut ends: Vec<_> = closed.iter().map(|c| (&c.account, &c.region, c.interval.1)).collect();
    let all = ends.len();
    ends.sort();
    ends.dedup();
    assert_eq!(ends.len(), all, "seed {seed}");
}

#[tokio::test]
async fn every_event_is_in_exactly_one_file_whatever_happens() {
    for seed in [0x5eed_0001, 0x5eed_0002, 0x5eed_0003, 0x5eed_0004, 0x5eed_0005, 0x5eed_0006] {
        println!("seed {seed:#x}");
        exactly_once(seed).await;
    }
}
