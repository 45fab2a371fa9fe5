//! How many of the events that could name a resource do.

use std::collections::BTreeMap;

use cloudtrail::event::{Category, Event};
use cloudtrail::json::Json;
use cloudtrail::lookup::facts;

use crate::corpus::{events_in, fixtures, folder};
use crate::door::admit;

/// Endings of members that name a thing.
const ENDINGS: [&str; 5] = ["name", "id", "arn", "identifier", "bucket"];

/// Members that look like names of things and are none: of the call itself, of who called, of a kind or a part of
/// a thing that is named elsewhere, of a place.
const NOT_THINGS: [&str; 26] = [
    "requestid",
    "x-amz-request-id",
    "creatorrequestid",
    "ownerid",
    "reservationid",
    "rolesessionname",
    "externalid",
    "versionid",
    "revisionid",
    "statementid",
    "executionid",
    "typename",
    "attributename",
    "policytypename",
    "availabilityzoneid",
    "availabilityzonename",
    "displayname",
    "agentname",
    "computername",
    "platformname",
    "devicename",
    "privatednsname",
    "publicdnsname",
    "clientsourceid",
    "eventid",
    "sid",
];

/// Whether the request or the answer has a member that names a thing: a member whose name ends like an
/// identifier's, in the singular or plural, with a text that was not taken out, and which is not one of
/// `NOT_THINGS`, nor names a filter, nor stands in a policy or a tag.
fn nameable(event: &Event) -> Option<String> {
    let inside = |field| event.json(field).and_then(|value| thing_in(value, "", 0));
    inside("requestParameters").or_else(|| inside("responseElements"))
}

fn thing_in(value: Json<'_>, key: &str, depth: usize) -> Option<String> {
    let key = key.to_ascii_lowercase();
    if depth > 12 || ["filter", "policydocument", "bucketpolicy", "tag", "accesscontrol"].iter().any(|part| key.contains(part)) {
        return None;
    }
    if let Some(text) = value.string() {
        let singular = key.strip_suffix('s').unwrap_or(&key);
        let names = ENDINGS.iter().any(|ending| singular.ends_with(ending)) && !NOT_THINGS.contains(&singular);
        return (names && !text.is_empty() && !text.starts_with("HIDDEN") && text != "***").then(|| format!("{key}={text}"));
    }
    let members = value.members().find_map(|(key, value)| thing_in(value, &key, depth + 1));
    members.or_else(|| value.elements().find_map(|value| thing_in(value, &key, depth + 1)))
}

#[derive(Default)]
struct Share {
    management: usize,
    nameable: usize,
    named: usize,
    typed: usize,
    unnamed: BTreeMap<String, usize>,
}

impl Share {
    fn count(&mut self, event: &Event) {
        if event.category() != Category::Management {
            return;
        }
        self.management += 1;
        let Some(thing) = nameable(event) else { return };
        self.nameable += 1;
        let resources = facts(event).resources;
        self.typed += usize::from(resources.iter().any(|resource| resource.type_.is_some()));
        if resources.is_empty() {
            let kind = format!("{} {} {thing}", event.event_source(), event.event_name());
            *self.unnamed.entry(kind).or_default() += 1;
        } else {
            self.named += 1;
        }
    }

    fn check(&self) {
        for (kind, count) in &self.unnamed {
            println!("{count:>5} without resource: {kind}");
        }
        let share = |count| 100.0 * count as f64 / self.nameable as f64;
        println!("{} management events, {} nameable", self.management, self.nameable);
        println!("named {:.1} %, with a type {:.1} %", share(self.named), share(self.typed));
        assert!(self.named * 100 >= self.nameable * 95);
    }
}

#[test]
fn resources_are_named_in_nearly_all_corpus_events_that_can_be() {
    let Some(dir) = folder("events") else { return };
    let mut share = Share::default();
    for raw in events_in(&dir).iter().flat_map(|source| &source.records) {
        if let Ok(event) = admit(raw) {
            share.count(&event);
        }
    }
    assert!(share.nameable > 2_000);
    share.check();
}

#[test]
fn resources_are_named_in_the_fixtures() {
    let mut share = Share::default();
    for raw in fixtures().iter().flat_map(|source| &source.records) {
        share.count(&admit(raw).unwrap());
    }
    assert!(share.nameable > 0);
    share.check();
}
