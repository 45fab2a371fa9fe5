//! What is going on while rows are waited for: one line on the terminal, if standard error is one.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// How often the line turns.
const TURN_EVERY: Duration = Duration::from_millis(100);

/// What is answered sooner needs no line.
const PATIENCE: Duration = Duration::from_millis(300);

/// The line; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Line {
    bar: Option<ProgressBar>,
    begun: Instant,
}

impl Line {
    /// A line, where there is a terminal for it.
    pub(super) fn start() -> Self {
        let hidden = || ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let bar = std::io::stderr().is_terminal().then(hidden);
        if let Some(bar) = &bar {
            bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}").expect("the template is written right"));
        }
        Self { bar, begun: Instant::now() }
    }

    /// What the line says.
    pub(super) fn say(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            if bar.is_hidden() && !bar.is_finished() && self.begun.elapsed() >= PATIENCE {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TURN_EVERY);
            }
        }
    }

    /// Says something that stays, without spoiling the line.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}
