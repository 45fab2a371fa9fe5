//! A statement: what it is about, and whether it allows or denies that.

use super::condition::Condition;
use super::pattern::{Pattern, matches};
use super::principal::Named;
use super::{Context, Request};

/// A statement of a policy.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) principals: Choice<Named>,
    pub(super) actions: Choice<Pattern>,
    pub(super) resources: Choice<Pattern>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, and so on.
#[derive(Debug, Clone)]
pub(super) enum Choice<T> {
    These(Vec<T>),
    AllBut(Vec<T>),
}

impl<T> Choice<T> {
    fn takes(&self, hit: impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::These(items) => items.iter().any(hit),
            Self::AllBut(items) => !items.iter().any(hit),
        }
    }
}

impl Statement {
    pub(super) fn denies(&self) -> bool {
        self.effect == Effect::Deny
    }

    /// Whether all its elements hold for the request.
    pub(super) fn is_about(&self, request: &Request) -> bool {
        self.means(request)
            && self.actions.takes(|pattern| hits(pattern, &request.action, &request.context, true))
            && self.resources.takes(|pattern| hits(pattern, &request.resource, &request.context, false))
            && self.conditions.iter().all(|condition| condition.holds(&request.context))
    }

    fn means(&self, request: &Request) -> bool {
        let principal = &request.principal;
        match &self.principals {
            Choice::These(named) => named.iter().any(|named| principal.is(named)),
            Choice::AllBut(named) => !named.iter().any(|named| principal.is_exactly(named)),
        }
    }
}

fn hits(pattern: &Pattern, value: &str, context: &Context, fold_case: bool) -> bool {
    pattern.resolve(context).is_some_and(|symbols| matches(&symbols, value, fold_case))
}
