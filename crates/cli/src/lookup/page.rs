//! Pages of `POST /v1/lookup`.

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::client::Client;

/// Events asked for at once: a record is at most 256 KiB, so a page is at most 64 MiB and as a rule half of one.
const PAGE_EVENTS_MAX: u64 = 256;

/// What is looked for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Question {
    pub(super) filters: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    pub(super) insight: bool,
    /// Seconds since 1970, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<i64>,
    /// Seconds since 1970, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<i64>,
}

/// The answers to a question, page by page.
pub(super) struct Pages {
    client: Client,
    question: Question,
    /// Where the next page begins, in the server's words; nothing before the first page.
    next: Option<Box<RawValue>>,
    ended: bool,
}

#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    question: &'a Question,
    limit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a RawValue>,
}

/// A page as it came.
pub(super) struct Page(Bytes);

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Continuation {
    #[serde(default)]
    next: Option<Box<RawValue>>,
}

/// An event that was found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hit<'a> {
    accepted_at_us: i64,
    /// How it came in.
    pub(super) origin: &'a str,
    /// Who sent it.
    #[serde(borrow)]
    pub(super) sender: std::borrow::Cow<'a, str>,
    /// The record's bytes.
    #[serde(borrow)]
    pub(super) event: &'a RawValue,
}

/// An event with how it came in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enveloped<'a> {
    accepted_at: String,
    origin: &'a str,
    sender: &'a str,
    event: &'a RawValue,
}

impl Pages {
    pub(super) fn new(client: Client, question: Question) -> Self {
        Self { client, question, next: None, ended: false }
    }

    /// The next page; it may be empty. Nothing when there are no more.
    pub(super) async fn next(&mut self, wanted: u64) -> anyhow::Result<Option<Page>> {
        if self.ended {
            return Ok(None);
        }
        let asked = Asked { question: &self.question, limit: wanted.clamp(1, PAGE_EVENTS_MAX), next: self.next.as_deref() };
        let body = serde_json::to_vec(&asked).context("the question cannot be written")?;
        let answer = self.client.call("POST", "/v1/lookup", "application/json", body.into()).await?;
        let continuation: Continuation = serde_json::from_slice(&answer).context("the server's answer is no page of events")?;
        self.ended = continuation.next.is_none();
        self.next = continuation.next;
        Ok(Some(Page(answer)))
    }
}

impl Page {
    /// What is on the page, newest first.
    pub(super) fn hits(&self) -> anyhow::Result<Vec<Hit<'_>>> {
        let content: Content<'_> = serde_json::from_slice(&self.0).context("the server's answer is no page of events")?;
        Ok(content.hits)
    }
}

impl Hit<'_> {
    /// When it was accepted.
    pub(super) fn accepted_at(&self) -> String {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.accepted_at_us) * 1_000);
        at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
    }

    /// The event with how it came in.
    pub(super) fn enveloped(&self) -> Enveloped<'_> {
        Enveloped { accepted_at: self.accepted_at(), origin: self.origin, sender: &self.sender, event: self.event }
    }
}
