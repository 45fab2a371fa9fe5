//! Statements and the rows they yield, over records made here.

mod fixture;
mod functions;
mod language;
mod late;
mod limits;
mod real;
mod rules;
mod seeds;

pub(super) use fixture::{EVENTS, check, check_strict, fails, names, refused, run};
