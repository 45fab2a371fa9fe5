//! A language model that writes queries, behind an endpoint that speaks OpenAI's chat completions.
//!
//! What it writes is checked like anything a stranger sends: it has to compile over the one event data store it is for,
//! and it is never run unasked. It sees the prompt, the names of the columns, and nothing of what is recorded.

use std::time::Duration;

use catalog::event_data_stores::Store;
use cloudtrail::event::time_text;
use lake::schema;
use serde::{Deserialize, Serialize};

use crate::config::Generate;

/// How long the model may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The longest statement (API reference, GenerateQuery).
const STATEMENT_CHARS_MAX: usize = 10_000;

/// Why a model wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or answered something else.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The file with its key cannot be read.
    #[error("{path}: {source}")]
    Key {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It refused.
    #[error("the model answered {status}: {body:.200}")]
    Status {
        /// The status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// It answered with what is no statement.
    #[error("the model answered with no statement")]
    Empty,
}

/// The model.
pub struct Model {
    settings: Generate,
    client: reqwest::Client,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    temperature: f32,
    messages: Vec<Message>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

impl Model {
    /// The model of a configuration.
    pub fn new(settings: Generate) -> Result<Self, Error> {
        Ok(Self { settings, client: reqwest::Client::builder().timeout(TIMEOUT).build()? })
    }

    /// The statement that the model writes for a prompt; `complaint` is the statement it wrote before and what was wrong
    /// with it.
    pub async fn write(
        &self,
        prompt: &str,
        store: &Store,
        now_s: i64,
        complaint: Option<&(String, String)>,
    ) -> Result<String, Error> {
        let message = |role: &str, content: String| Message { role: role.to_owned(), content };
        let mut messages = vec![message("system", instructions(store, now_s)), message("user", prompt.to_owned())];
        if let Some((statement, reason)) = complaint {
            messages.push(message("assistant", statement.clone()));
            messages.push(message("user", format!("That was refused: {reason}\nAnswer with the corrected statement alone.")));
        }
        let request = Request { model: &self.settings.model, temperature: 0.0, messages };
        let body = serde_json::to_vec(&request).expect("texts are written as JSON");
        let mut post = self.client.post(&self.settings.endpoint).header("content-type", "application/json").body(body);
        if let Some(key) = self.key().await? {
            post = post.bearer_auth(key);
        }
        let mut response = post.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(Error::Empty);
            }
        }
        if !status.is_success() {
            return Err(Error::Status { status: status.as_u16(), body: String::from_utf8_lossy(&body).into_owned() });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| Error::Empty)?;
        answer.choices.first().and_then(|choice| statement(&choice.message.content)).ok_or(Error::Empty)
    }

    /// Read each time, so that a key can be changed.
    async fn key(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.settings.api_key_file else { return Ok(None) };
        let failed = |source| Error::Key { path: path.display().to_string(), source };
        Ok(Some(tokio::fs::read_to_string(path).await.map_err(failed)?.trim().to_owned()))
    }
}

fn instructions(store: &Store, now_s: i64) -> String {
    let columns = schema::columns(store.settings.family()).iter().filter(|column| column.shown);
    let columns: Vec<String> = columns.map(|column| format!("{} {:?}", column.name, column.kind)).collect();
    format!(
        "You write one SQL statement in the dialect of AWS CloudTrail Lake (Trino SQL, SELECT only) that answers the \
         user's question. Answer with the statement alone, without explanation.\n\
         The table is {}, unquoted. It is {} UTC. eventTime is a timestamp in UTC and may be compared with literals such \
         as '2025-01-31 00:00:00'. Columns of kind Map hold JSON: read them with element_at(column, 'key') and \
         json_extract_scalar. Limit what you select to 1000 rows.\nColumns:\n{}",
        store.id,
        time_text(now_s),
        columns.join("\n")
    )
}

/// The statement in an answer, with or without a fence around it.
fn statement(answer: &str) -> Option<String> {
    let fenced = answer.split_once("```").map(|(_, rest)| {
        let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
        rest.split_once("```").map_or(rest, |(inside, _)| inside)
    });
    let text = fenced.unwrap_or(answer).trim().trim_end_matches(';').trim();
    (!text.is_empty() && text.chars().count() <= STATEMENT_CHARS_MAX).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_found_in_an_answer() {
        for answer in ["SELECT 1", " SELECT 1;\n", "```sql\nSELECT 1\n```", "Here it is:\n```\nSELECT 1;\n```\nHope it helps"] {
            assert_eq!(statement(answer).as_deref(), Some("SELECT 1"), "{answer:?}");
        }
        for answer in ["", "```sql\n```", &"x".repeat(20_000)] {
            assert_eq!(statement(answer), None);
        }
    }
}
