//! The lake: event data stores and SQL over them.
