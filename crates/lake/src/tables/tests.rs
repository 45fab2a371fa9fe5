//! A store from its sink to its table: what it shows, what survives, what is said about damaged files.

mod durability;
mod lab;
mod queries;
mod upkeep;
