//! JSON text as it stands. Records are kept byte for byte, so they are checked and walked in place and never
//! built into a tree: `scan` checks a record once, at the door; `Json` walks text that has been checked.
//!
//! What must stay true: `scan` accepts exactly the objects `serde_json` accepts, up to the depth limit, and
//! nothing here recurses or panics, whatever the bytes.

mod scan;
mod text;
mod walk;

pub(crate) use scan::{Fault, compact, scan};
pub use text::unescape;
pub(crate) use text::unescape_strictly;
pub use walk::{Elements, Json, Members};

/// How deep a record may nest, itself included. Own choice: real ones reach 11 (corpus), `serde_json` gives up at
/// 128, and whatever reads our log files must not be brought down by one record.
pub const DEPTH_MAX: u32 = 100;

#[cfg(test)]
pub(crate) mod tests;
