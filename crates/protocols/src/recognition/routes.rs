//! The paths of a service whose operations are told apart by method, path, query and headers.
//!
//! A tree of path segments per method. The most specific path wins, segment by segment: a literal before a label before
//! a greedy label. Among operations with the same path: the one with most of the query that its template asks for, then
//! the one with most required members in query and headers, all of them being there.

use std::collections::HashMap;

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::form::pairs;
use crate::table::{Operation, Place, Service, ShapeKind};

/// A tree for each method.
#[derive(Debug, Default)]
pub(super) struct Routes {
    methods: HashMap<String, Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Self>,
    label: Option<Box<Self>>,
    /// Segments that come after a greedy label, and what they lead to; the most segments first.
    greedy: Vec<(Vec<String>, Vec<Route>)>,
    ends: Vec<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    operation: usize,
    name: String,
    deprecated: bool,
    /// The template has a slash at its end.
    slash: bool,
    labels: Vec<String>,
    query: Vec<(String, Option<String>)>,
    required: Vec<Required>,
}

#[derive(Clone, Debug)]
enum Required {
    Query(String),
    Header(String),
}

/// What a request shows of itself.
pub(super) struct Shown<'a> {
    pub(super) method: &'a str,
    /// As it stands in the request.
    pub(super) path: &'a str,
    /// Names and values, decoded, without those of a signature.
    pub(super) query: &'a [(String, String)],
    pub(super) headers: &'a HeaderMap,
    /// The operation that it claims to be (`x-id`): believed where nothing else decides.
    pub(super) hint: Option<&'a str>,
}

/// An operation that a request may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) operation: usize,
    /// Names and values, decoded.
    pub(super) labels: Vec<(String, String)>,
    /// Everything required in query and headers is there.
    pub(super) complete: bool,
    /// How many segments of the path are the template's own words.
    pub(super) literals: usize,
    /// How much of the query is.
    pub(super) query: usize,
    /// Template and path both end with a slash, or neither: tells services apart that sign alike.
    pub(super) exact: bool,
}

impl Routes {
    pub(super) fn of(service: &Service) -> Self {
        let mut routes = Self::default();
        for (at, operation) in service.operations.iter().enumerate() {
            let (path, query) = operation.uri.split_once('?').unwrap_or((&operation.uri, ""));
            let route = Route {
                operation: at,
                name: operation.name.clone(),
                deprecated: operation.deprecated,
                slash: path.ends_with('/'),
                labels: path.split('/').filter_map(label).map(|(name, _)| name.to_owned()).collect(),
                query: literals(query),
                required: required(service, operation),
            };
            routes.methods.entry(operation.method.clone()).or_default().add(path, route);
        }
        routes
    }

    pub(super) fn find(&self, shown: &Shown<'_>) -> Option<Match> {
        let path = shown.path.strip_prefix('/')?;
        self.methods.get(shown.method)?.walk(Some(path), &mut Vec::new(), 0, shown)
    }
}

impl Node {
    fn add(&mut self, path: &str, route: Route) {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let mut node = self;
        for (at, segment) in segments.iter().enumerate() {
            node = match label(segment) {
                None => node.literals.entry((*segment).to_owned()).or_default(),
                Some((_, false)) => node.label.get_or_insert_default(),
                Some((_, true)) => {
                    let after = segments.iter().skip(at + 1).map(|segment| (*segment).to_owned()).collect();
                    node.add_greedy(after, route);
                    return;
                }
            };
        }
        node.ends.push(route);
    }

    fn add_greedy(&mut self, after: Vec<String>, route: Route) {
        match self.greedy.iter_mut().find(|(segments, _)| *segments == after) {
            Some((_, routes)) => routes.push(route),
            None => self.greedy.push((after, vec![route])),
        }
        self.greedy.sort_by_key(|(segments, _)| std::cmp::Reverse(segments.len()));
    }

    /// Goes on with the rest of a path: none at its end, empty after a slash at its end. As deep as the templates are.
    fn walk<'p>(&self, rest: Option<&'p str>, taken: &mut Vec<&'p str>, literals: usize, shown: &Shown<'_>) -> Option<Match> {
        if rest.is_none_or(str::is_empty)
            && let Some(found) = choose(&self.ends, taken, literals, shown)
        {
            return Some(found);
        }
        let rest = rest.filter(|rest| !rest.is_empty())?;
        let (segment, next) = rest.split_once('/').map_or((rest, None), |(segment, next)| (segment, Some(next)));
        if let Some(found) = self.literal(segment).and_then(|node| node.walk(next, taken, literals + 1, shown)) {
            return Some(found);
        }
        if let Some(node) = self.label.as_ref().filter(|_| !segment.is_empty()) {
            taken.push(segment);
            if let Some(found) = node.walk(next, taken, literals, shown) {
                return Some(found);
            }
            taken.pop();
        }
        self.swallow(rest, taken, literals, shown)
    }

    fn literal(&self, segment: &str) -> Option<&Self> {
        match self.literals.get(segment) {
            None if segment.contains('%') && !self.literals.is_empty() => self.literals.get(&decoded(segment)),
            found => found,
        }
    }

    fn swallow<'p>(&self, rest: &'p str, taken: &mut Vec<&'p str>, literals: usize, shown: &Shown<'_>) -> Option<Match> {
        for (after, routes) in &self.greedy {
            let Some(greedy) = without(rest, after) else { continue };
            taken.push(greedy);
            if let Some(found) = choose(routes, taken, literals + after.len(), shown) {
                return Some(found);
            }
            taken.pop();
        }
        None
    }
}

/// The path before these last segments; none if it has others, or nothing is left.
fn without<'p>(path: &'p str, last: &[String]) -> Option<&'p str> {
    let whole = if last.is_empty() { path } else { path.strip_suffix('/').unwrap_or(path) };
    let before = last.iter().rev().try_fold(whole, |path, segment| path.strip_suffix(segment.as_str())?.strip_suffix('/'))?;
    (!before.is_empty()).then_some(before)
}

/// The best of the operations at one path.
fn choose(routes: &[Route], taken: &[&str], literals: usize, shown: &Shown<'_>) -> Option<Match> {
    let fitting = routes.iter().filter(|route| route.query.iter().all(|literal| shown.has_literal(literal)));
    let ranked = fitting.map(|route| {
        let complete = route.required.iter().all(|required| shown.has(required));
        let required = if complete { route.required.len() } else { 0 };
        let hinted = shown.hint == Some(route.name.as_str());
        ((route.query.len(), complete, required, hinted, !route.deprecated), route)
    });
    // The first in the table wins where nothing decides.
    let (rank, route) = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let labels = route.labels.iter().cloned().zip(taken.iter().map(|segment| decoded(segment))).collect();
    let exact = route.slash == shown.path.ends_with('/');
    Some(Match { operation: route.operation, labels, complete: rank.1, literals, query: rank.0, exact })
}

impl Shown<'_> {
    fn has_literal(&self, (name, value): &(String, Option<String>)) -> bool {
        self.query.iter().any(|(shown, with)| shown == name && value.as_ref().is_none_or(|value| value == with))
    }

    /// Clients that presign move headers into the query.
    fn has(&self, required: &Required) -> bool {
        match required {
            Required::Query(name) => self.query.iter().any(|(shown, _)| shown == name),
            Required::Header(name) => {
                self.headers.contains_key(name.as_str()) || self.query.iter().any(|(shown, _)| shown.eq_ignore_ascii_case(name))
            }
        }
    }
}

/// `{Key+}` is the label `Key`, greedy.
fn label(segment: &str) -> Option<(&str, bool)> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(name.strip_suffix('+').map_or((name, false), |name| (name, true)))
}

/// The query of a template; `x-id` names the operation and is not asked for.
fn literals(query: &str) -> Vec<(String, Option<String>)> {
    let has_value = |name: &str| query.split('&').any(|pair| pair.split_once('=').is_some_and(|(with, _)| with == name));
    pairs(query)
        .filter(|(name, _)| name != "x-id")
        .map(|(name, value)| (name.to_string(), has_value(&name).then(|| value.into_owned())))
        .collect()
}

fn required(service: &Service, operation: &Operation) -> Vec<Required> {
    let input = operation.input.and_then(|input| service.shape(input));
    let Some(ShapeKind::Structure { members, .. }) = input.map(|shape| &shape.kind) else { return Vec::new() };
    let required = members.iter().filter(|member| member.required).filter_map(|member| {
        let name = member.wire_name.as_ref().unwrap_or(&member.name);
        match member.place {
            Place::Query => Some(Required::Query(name.clone())),
            Place::Header => Some(Required::Header(name.to_ascii_lowercase())),
            _ => None,
        }
    });
    required.collect()
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
