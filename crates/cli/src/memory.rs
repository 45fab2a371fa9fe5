//! The allocator, and how much it keeps for itself.
//!
//! What one thread allocates another frees here: bodies, events, blocks. glibc's allocator lets threads wait for each other
//! then, or, with more arenas, keeps what nobody can use; jemalloc does neither (docs/decisions/0007). It is told by the
//! environment how much it may keep, and reads that before `main`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread::available_parallelism;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What jemalloc reads.
const SETTINGS: &str = "MALLOC_CONF";
/// How long what is free is kept for whoever wants it next, in milliseconds. The usual ten seconds are worth 60 MiB at full
/// ingest and nothing else.
const KEPT_MS: u32 = 1_000;

/// Begins this program anew with an arena for each processor, instead of the usual four, and less kept in them, unless the
/// environment already says otherwise. The process stays the same. If that cannot be done, nothing is lost but memory.
pub(crate) fn keep_little() {
    if std::env::var_os(SETTINGS).is_some() || !cfg!(target_os = "linux") {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let arenas = available_parallelism().map_or(1, std::num::NonZero::get);
    let settings = format!("narenas:{arenas},dirty_decay_ms:{KEPT_MS},muzzy_decay_ms:0,background_thread:true");
    let mut arguments = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).env(SETTINGS, settings).exec();
    eprintln!("trailkeep: goes on with the allocator as it is: {error}");
}
