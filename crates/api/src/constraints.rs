//! The constraints of the service models, checked on documents before they become typed inputs.
//!
//! A document either becomes an [`Input`], or is not what its operation takes (wrong types), or violates
//! constraints: then all violations are told, in AWS's words. Which error code a violation gets is for the
//! control plane to say.

use regex::Regex;
use serde_json::Value;

mod violation;
mod walk;

pub use violation::{Violation, ViolationKind, Violations};

use crate::generated::patterns::PATTERNS;
use crate::{Input, Operation, json};
use walk::Walk;

/// Why a document is no input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The body is not JSON, or a member has the wrong type: AWS's SerializationException.
    #[error("{0}")]
    Serialization(String),
    /// The types are right, but values are missing or not allowed.
    #[error("{0}")]
    Violations(Violations),
}

/// The compiled constraints. Built once, at start.
#[derive(Debug)]
pub struct Constraints {
    patterns: Vec<Regex>,
}

impl Constraints {
    /// Compiles the patterns of the service models.
    #[expect(clippy::new_without_default, reason = "compiling some thirty patterns is no default value")]
    pub fn new() -> Self {
        let compile = |pattern: &Pattern| Regex::new(pattern.rust).expect("codegen's patterns are tested to compile");
        Self { patterns: PATTERNS.iter().map(compile).collect() }
    }

    /// Checks a document and types it. Members that the model does not know are ignored, as AWS does; a member that
    /// is null is absent.
    pub fn input(&self, operation: Operation, mut document: Value) -> Result<Input, InputError> {
        let mut walk = Walk::new(&self.patterns);
        walk.value(operation.shape(), &mut document).map_err(InputError::Serialization)?;
        if let Some(violations) = walk.finish() {
            return Err(InputError::Violations(violations));
        }
        Input::typed(operation, document).map_err(|error| InputError::Serialization(error.to_string()))
    }

    /// The input in the body of an AWS JSON 1.1 request.
    pub fn parse(&self, operation: Operation, body: &[u8]) -> Result<Input, InputError> {
        self.input(operation, json::document(body)?)
    }
}

/// A node of the constraint table: what a value must be.
#[derive(Debug)]
#[allow(dead_code, reason = "codegen uses the variants that the model's inputs need")]
pub(crate) enum Shape {
    Structure(&'static [Member]),
    List { member: &'static Self, size: Length },
    Map { key: &'static Self, value: &'static Self, size: Length },
    String { length: Length, pattern: Option<usize>, values: &'static [&'static str] },
    Integer(Range),
    Long(Range),
    Double,
    Boolean,
    Timestamp,
    Blob,
}

/// A member of a structure.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) required: bool,
    pub(crate) location: Location,
}

/// Where in a request a member stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Location {
    Body,
    Query(&'static str),
}

/// Bounds on the number of characters or entries, both inclusive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
}

/// Bounds on a number, both inclusive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
}

/// A pattern as the model has it, and as `regex` reads it, matching whole values.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) aws: &'static str,
    pub(crate) rust: &'static str,
}

#[cfg(test)]
mod tests;
