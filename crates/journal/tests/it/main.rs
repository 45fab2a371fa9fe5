//! The journal as its users see it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic, in its helpers too")]

mod damage;
mod kill;
mod life;
mod sample;
