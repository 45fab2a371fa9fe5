//! Resource policies in IAM's language: read, and asked whether they allow something.
//!
//! What must stay true: a policy is refused as a whole when any of it is not understood, for a Deny that is skipped
//! opens a door; and an explicit Deny anywhere outweighs every Allow (IAM user guide, "Policy evaluation logic").

mod condition;
pub(crate) mod document;
mod parse;
mod pattern;
mod principal;
mod statement;

use std::collections::BTreeMap;

pub use principal::Principal;
use statement::Statement;

/// The largest policy of a bucket, in bytes (S3 user guide, "Bucket policies": 20 KB).
pub const BYTES_MAX: usize = 20 * 1024;

/// A policy that was understood.
#[derive(Debug, Clone)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// Why a text is no policy. The text is the message of the answer (`MalformedPolicy`); AWS's where it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// What is wrong.
    pub message: String,
}

/// What someone wants to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who.
    pub principal: Principal,
    /// The action, such as `s3:GetObject`.
    pub action: String,
    /// The ARN of what it is done to.
    pub resource: String,
    /// What else is known of the call.
    pub context: Context,
}

/// The values of condition keys. Their names are the same in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

/// What a policy says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement is about it.
    NoMatch,
}

impl Policy {
    /// Reads a policy.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        parse::policy(text, None).map(|statements| Self { statements })
    }

    /// Reads a policy that is attached to the one resource of that ARN: each statement is about it, whatever its
    /// Resource says, and may leave that out. Whether what it says is acceptable is the caller's to check.
    pub(crate) fn attached_to(arn: &str, text: &str) -> Result<Self, Malformed> {
        parse::policy(text, Some(arn)).map(|statements| Self { statements })
    }

    /// Decides about a request.
    pub fn evaluate(&self, request: &Request) -> Decision {
        let mut decision = Decision::NoMatch;
        for statement in self.statements.iter().filter(|statement| statement.is_about(request)) {
            if statement.denies() {
                return Decision::Deny;
            }
            decision = Decision::Allow;
        }
        decision
    }
}

impl Context {
    /// Adds a value to a key.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        self.entry(key).push(value.into());
    }

    /// Sets the values of a key that has many, or none.
    pub fn set(&mut self, key: &str, values: Vec<String>) {
        *self.entry(key) = values;
    }

    /// The values of a key; `None` when the request has no such key.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.values.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }

    fn entry(&mut self, key: &str) -> &mut Vec<String> {
        self.values.entry(key.to_ascii_lowercase()).or_default()
    }
}

impl Malformed {
    fn of(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

#[cfg(test)]
mod tests;
