//! The demo: a quarter of activity of a small company, in which something went wrong.
//!
//! Generated, the same every time but for the dates. The shape (services, identities, shares of reads and of errors,
//! sizes) follows what public CloudTrail data looks like. The story is told in `incident`; the README's tour finds it.

mod company;
mod draft;
mod incident;
mod random;
mod routine;

use anyhow::Context as _;
use server::service::Server;

use draft::Draft;
use random::Random;

/// Days of activity; the last one is yesterday.
const DAYS: i64 = 90;
/// The seed of everything that looks like chance.
const SEED: u64 = 0x7261_696c_6b65_6570;
/// Records handed over at a time.
const TOGETHER: usize = 2_000;
const DAY_S: i64 = 86_400;

/// Loads the quarter before today into an installation that has no events yet; does nothing in any other.
pub(super) async fn load(server: &Server) -> anyhow::Result<()> {
    if !server.is_new() {
        eprintln!("The data directory is not empty: the demo is not loaded again.");
        return Ok(());
    }
    let today = server.now_s().div_euclid(DAY_S) * DAY_S;
    let quarter = quarter(&server.default_account(), today - DAYS * DAY_S);
    let count = quarter.len();
    for records in quarter.chunks(TOGETHER) {
        server.import(records.to_vec()).await.context("records were not taken")?;
    }
    server.settle().await;
    eprintln!("Loaded {count} events of the last {DAYS} days.");
    Ok(())
}

/// Every record of the quarter that begins at `start_s`, in the order of time.
fn quarter(account: &str, start_s: i64) -> Vec<Vec<u8>> {
    let mut random = Random::new(SEED);
    let mut drafts: Vec<Draft> = (0..DAYS).flat_map(|day| routine::day(&mut random, account, start_s + day * DAY_S)).collect();
    drafts.extend(incident::drafts(&mut random, account, start_s));
    drafts.sort_by_key(|draft| draft.time_s);
    drafts.iter().map(|draft| draft.render(account, &mut random)).collect()
}

#[cfg(test)]
mod tests;
