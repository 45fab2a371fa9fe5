//! Records Trailkeep writes about calls it serves.
