//! How far an import is: a bar on a terminal, else a line now and then. Both on standard error.

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::source::Source;
use super::tally::{Counts, Tally};

const BAR_EVERY: Duration = Duration::from_millis(200);
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How many looks back the rate is reckoned from: archives are answered one by one, so a shorter time would tell little.
const LOOKS: usize = 50;

/// Shows how far it is, until it is finished.
pub(super) struct Progress {
    tally: Arc<Tally>,
    /// None where standard error is no terminal.
    bar: Option<ProgressBar>,
    total: Arc<Total>,
    stop: CancellationToken,
}

/// How many files there are; they are counted meanwhile.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) files: AtomicU64,
    counted: AtomicBool,
}

impl Progress {
    /// Begins. On a terminal the source is also counted, so that the time left can be told.
    pub(super) fn start(source: &Arc<Source>, tally: Arc<Tally>) -> Arc<Self> {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::no_length);
        let stop = CancellationToken::new();
        let total = Arc::new(Total::default());
        if let Some(bar) = &bar {
            bar.set_style(style("{spinner} {human_pos} files  {wide_msg}"));
            let (source, total, stop) = (Arc::clone(source), Arc::clone(&total), stop.clone());
            tokio::spawn(async move {
                if source.count(&total, &stop).await {
                    total.counted.store(true, Ordering::Release);
                }
            });
        }
        let progress = Arc::new(Self { tally, bar, total, stop });
        tokio::spawn(Arc::clone(&progress).run());
        progress
    }

    async fn run(self: Arc<Self>) {
        let begun = Instant::now();
        let mut looks = VecDeque::from([(begun, 0)]);
        let mut ticks = interval(if self.bar.is_some() { BAR_EVERY } else { LINE_EVERY });
        ticks.tick().await;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => self.show(begun, &mut looks),
            }
        }
    }

    fn show(&self, begun: Instant, looks: &mut VecDeque<(Instant, u64)>) {
        let counts = self.tally.counts();
        looks.push_back((Instant::now(), counts.records()));
        if looks.len() > LOOKS {
            looks.pop_front();
        }
        let rate = HumanCount(rate(looks));
        let events = HumanCount(counts.records());
        let damaged =
            if counts.files_damaged > 0 { format!("  {} damaged", HumanCount(counts.files_damaged)) } else { String::new() };
        let Some(bar) = &self.bar else {
            eprintln!("{} files  {events} events  {rate} events/s{damaged}", HumanCount(counts.files()));
            return;
        };
        if self.total.counted.load(Ordering::Acquire) && bar.length().is_none() {
            bar.set_style(style("{bar:16} {human_pos}/{human_len} files  {wide_msg}"));
            bar.set_length(self.total.files.load(Ordering::Relaxed));
        }
        let left = bar.length().and_then(|total| left(total, &counts, begun.elapsed()));
        let left = left.map(|left| format!("  {:#} left", HumanDuration(left))).unwrap_or_default();
        bar.set_message(format!("{rate} events/s{left}{damaged}  {events} events"));
        bar.set_position(counts.files());
        bar.tick();
    }

    /// Says something without spoiling the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("trailkeep: {text}")),
            None => eprintln!("trailkeep: {text}"),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.stop.cancel();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Events a second over the last looks.
fn rate(looks: &VecDeque<(Instant, u64)>) -> u64 {
    let (Some((first_at, first)), Some((last_at, last))) = (looks.front(), looks.back()) else { return 0 };
    let seconds = last_at.duration_since(*first_at).as_secs_f64();
    if seconds > 0.0 { ((last - first) as f64 / seconds) as u64 } else { 0 }
}

/// The time left, if the files to come take as long as those sent. Files done before took no time.
fn left(total: u64, counts: &Counts, elapsed: Duration) -> Option<Duration> {
    let sent = counts.files_read + counts.files_damaged;
    let to_come = total.saturating_sub(counts.files());
    (sent > 0).then(|| elapsed.mul_f64(to_come as f64 / sent as f64))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is written right").progress_chars("=> ")
}
