//! Envelopes: what records come in. A request to `/v1/events`, or a log file.
//!
//! An envelope is split into the bytes of its records without parsing them; whether a record is one is decided when it is
//! admitted, each on its own, so that a bad one does not spoil the others. Memory is bounded whatever is sent: by
//! [`INFLATED_BYTES_MAX`] after inflation and by [`RECORDS_MAX`].

mod file;
mod inflate;
mod split;

use std::ops::Range;

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::region::Region;

use super::parcel::{Parcel, Rejected};
pub use file::{FileError, FileErrorCode, parse_file, parse_log_file};
use inflate::{Coding, InflateError};
use split::Fault;

/// The most bytes of an envelope, inflated (D8). What is sent compressed may not be larger either.
pub const INFLATED_BYTES_MAX: usize = 64 << 20;
/// The most records in an envelope (D8).
pub const RECORDS_MAX: usize = 100_000;

/// Why a request was not read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not what its type says: 400.
    #[error("{0}")]
    Malformed(String),
    /// Over a limit: 413.
    #[error("{0}")]
    TooLarge(String),
    /// A type or coding we do not take: 415.
    #[error("{0}")]
    Unsupported(String),
}

/// The records of an envelope, as they were sent.
#[derive(Clone, Debug)]
pub struct Records {
    text: Bytes,
    spans: Vec<Span>,
}

/// Where a record stands; an envelope is smaller than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The records in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|span| &self.text[span.range()])
    }

    /// The record at that place.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.spans.get(index).map(|span| &self.text[span.range()])
    }

    /// The bytes of the whole envelope, inflated.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Admits every record: those that are events, and why the others are not. Account and Region are the sender's, for
    /// records without. Takes about a second of CPU for the largest envelope: not on a thread that others wait for.
    pub fn admit(&self, account: AccountId, region: &Region) -> Parcel {
        self.admit_up_to(SIZE_MAX, account, region)
    }

    /// The same, for events of at most `size_max` bytes.
    pub fn admit_up_to(&self, size_max: usize, account: AccountId, region: &Region) -> Parcel {
        let mut parcel = Parcel { events: Vec::with_capacity(self.len()), rejected: Vec::new() };
        for (index, record) in self.iter().enumerate() {
            let admission = Admission { account, region, ordinal: index as u64, size_max };
            match Event::admit(record, &admission) {
                Ok(event) => parcel.events.push((index, event)),
                Err(rejection) => parcel.rejected.push(Rejected::new(index, rejection)),
            }
        }
        parcel
    }
}

/// Reads the body of a request to `/v1/events`: `{"Records":[…]}` as application/json, or one record a line as
/// application/x-ndjson; plain, gzip or zstd.
pub fn read(body: &Bytes, content_type: Option<&str>, content_encoding: Option<&str>) -> Result<Records, EnvelopeError> {
    let media_type = MediaType::of(content_type)?;
    let coding = coding(content_encoding)?;
    let text = inflate::inflate(coding, body, INFLATED_BYTES_MAX)?;
    let spans = match media_type {
        MediaType::Json => split::log_file(&text, RECORDS_MAX)?,
        MediaType::Ndjson => split::lines(&text, RECORDS_MAX)?,
    };
    Ok(Records { text, spans })
}

#[derive(Clone, Copy)]
enum MediaType {
    Json,
    Ndjson,
}

impl MediaType {
    fn of(content_type: Option<&str>) -> Result<Self, EnvelopeError> {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-ndjson" => Ok(Self::Ndjson),
            _ => Err(EnvelopeError::Unsupported("Content-Type must be application/json or application/x-ndjson".to_owned())),
        }
    }
}

fn coding(content_encoding: Option<&str>) -> Result<Coding, EnvelopeError> {
    match content_encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "none" | "identity" => Ok(Coding::None),
        "gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        _ => Err(EnvelopeError::Unsupported("Content-Encoding must be gzip, zstd or none".to_owned())),
    }
}

impl From<InflateError> for EnvelopeError {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::TooLarge => Self::TooLarge(error.to_string()),
            InflateError::Truncated | InflateError::Damaged(_) => Self::Malformed(error.to_string()),
        }
    }
}

impl From<Fault> for EnvelopeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooMany => Self::TooLarge(fault.to_string()),
            Fault::Syntax { .. } | Fault::NoRecords { .. } => Self::Malformed(fault.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
