//! Letting events in: [`Recorder`](recorder::Recorder) is the one door.

pub mod origin;
