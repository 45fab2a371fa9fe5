//! Handing what the journal holds to followers, each at its own pace.
//!
//! A [`batch`] is a piece of the journal, decoded; the [`feed`] decodes each piece once for all who stand near the tail.
//! What the door admitted moments ago is [`recent`] and not decoded again; the door keeps [`pace`] with who
//! follows. A [`follower`] carries batches to one sink and
//! never loses one. The [`table`] says which trails and event data [stores](store) want an event. [`trim`] lets the
//! journal forget what everyone has handled.

pub mod batch;
pub mod feed;
pub mod follower;
pub mod pace;
pub mod recent;
pub mod store;
pub mod table;
pub mod trim;
