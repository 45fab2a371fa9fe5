//! How the allocator shares memory between threads.
//!
//! glibc gives threads arenas of their own, sixteen on two cores, and what one thread freed another cannot take. With two
//! arenas the server needs a quarter less memory at full ingest and a sixth less CPU, most of it page faults
//! (docs/decisions/0003). glibc is told by its environment alone, and reads it before `main`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What glibc reads.
const ARENAS: &str = "MALLOC_ARENA_MAX";
/// The other way to tell it; who uses it decides for himself.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Fewest arenas at which two cores hardly wait for each other.
const ARENAS_MAX: &str = "2";

/// Begins this program anew with fewer arenas, unless the environment already says how many there are to be. The process
/// stays the same. If that cannot be done, nothing is lost but memory.
pub(crate) fn share_arenas() {
    let told = [ARENAS, TUNABLES].iter().any(|name| std::env::var_os(name).is_some());
    if told || !cfg!(target_env = "gnu") {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).env(ARENAS, ARENAS_MAX).exec();
    eprintln!("trailkeep: goes on with the usual allocator: {error}");
}
