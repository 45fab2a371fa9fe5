//! placeholder

pub mod delivery;
