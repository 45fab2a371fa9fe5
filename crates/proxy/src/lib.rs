//! The recording proxy: stands in front of a service that speaks an AWS protocol, and makes a record of every call.
//!
//! [`listener`] takes connections, [`forward`] carries a call to the [`upstream`] and its answer back, unchanged;
//! [`audit`] decides whether a call may go, and records it: who called say [`identities`], and where records go the
//! [`ledger`]. [`running`] puts all of it together.

pub mod settings;

pub mod forward;
pub mod listener;
pub mod upstream;

pub mod audit;
pub mod identities;
pub mod ledger;

pub mod running;
