//! Violations and their wording.

use std::fmt;

/// What kind of constraint a value fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViolationKind {
    /// A required member is missing or null.
    Required,
    /// Too few characters or entries.
    LengthMin,
    /// Too many characters or entries.
    LengthMax,
    /// Too small a number.
    ValueMin,
    /// Too large a number.
    ValueMax,
    /// Text that does not match its pattern as a whole.
    Pattern,
    /// Text that is none of the values of its enum.
    Enum,
    /// An element, key or value of a list or map of plain values fails one of its constraints.
    Element,
}

/// One value that fails one constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where: first letters lower, elements counted from 1, `tagsList.2.member.key`.
    pub path: String,
    /// Which kind of constraint.
    pub kind: ViolationKind,
    /// AWS's sentence: `Value '51' at 'maxResults' failed to satisfy constraint: Member must …`.
    pub message: String,
}

impl Violation {
    /// The top-level member it is in, with its first letter lower.
    pub fn member(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }
}

/// All violations of a document; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    pub(super) fn new(violations: Vec<Violation>) -> Option<Self> {
        (!violations.is_empty()).then_some(Self(violations))
    }

    /// The violations in the order of the model's members.
    pub fn all(&self) -> &[Violation] {
        &self.0
    }

    /// The first one.
    pub fn first(&self) -> &Violation {
        self.0.first().expect("violations are made of at least one")
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(formatter, "{} validation error{plural} detected: ", self.0.len())?;
        for (at, violation) in self.0.iter().enumerate() {
            if at > 0 {
                formatter.write_str("; ")?;
            }
            formatter.write_str(&violation.message)?;
        }
        Ok(())
    }
}
