//! What a call was about: a walk over the parameters and the answer, led by the table.

use super::Resource;
use super::table;
use crate::event::Event;
use crate::json::Json;

/// The most resources of an event. Own choice: one call may name thousands of things (a Route 53 change batch in
/// the corpus has 740 names), and each is an index entry.
pub const RESOURCES_MAX: usize = 100;

/// The longest name worth keeping: LookupEvents takes attribute values of up to 2,000 characters (API reference).
pub const NAME_CHARS_MAX: usize = 2_000;

/// The deepest member that is looked at. Own choice: what the table names stands at most 8 deep in the corpus.
const DEPTH_MAX: usize = 12;

/// What stands where a name was taken out.
const REDACTED: [&str; 3] = ["HIDDEN_DUE_TO_SECURITY_REASONS", "[redacted]", "***"];

/// The resources of an event, in the order in which they are named: by the table, out of the parameters and the
/// answer; else those the record lists itself; else any ARN among the parameters, whose type is unknown.
pub(super) fn resources(event: &Event) -> Vec<Resource> {
    let source = event.event_source();
    let name = event.event_name();
    let mut found = Found::default();
    if let Some(rows) = table::rows_of(source.strip_suffix(".amazonaws.com").unwrap_or(&source)) {
        let typed = |place: &Place<'_>, _: &str| table::type_of(rows, place.key, place.parent, place.top, &name);
        found.walk_parameters(event, &typed);
    }
    if found.0.is_empty() {
        found.listed(event);
    }
    if found.0.is_empty() {
        found.walk_parameters(event, &|_, text| text.starts_with("arn:aws").then_some(""));
    }
    found.0
}

/// Where a text stands: under which member, and that one under which. Lists and the objects that stand for lists
/// in EC2's parameters do not count.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: &'a str,
    key: &'a str,
    top: bool,
    depth: usize,
}

#[derive(Default)]
struct Found(Vec<Resource>);

impl Found {
    fn walk_parameters<'t>(&mut self, event: &Event, typed: &impl Fn(&Place<'_>, &str) -> Option<&'t str>) {
        let whole = Place { parent: "", key: "", top: true, depth: 0 };
        for field in ["requestParameters", "responseElements"] {
            if let Some(value) = event.json(field) {
                self.walk(value, whole, typed);
            }
        }
    }

    fn walk<'t>(&mut self, value: Json<'_>, place: Place<'_>, typed: &impl Fn(&Place<'_>, &str) -> Option<&'t str>) {
        if place.depth > DEPTH_MAX || self.0.len() >= RESOURCES_MAX {
            return;
        }
        let depth = place.depth + 1;
        if value.is_object() {
            for (key, value) in value.members() {
                let inside = match key.as_ref() {
                    // `{"FlowLogId":{"tag":1,"content":"fl-1"}}`, `{"instancesSet":{"items":[…]}}`.
                    "content" | "items" | "item" | "member" => Place { depth, ..place },
                    key => Place { parent: place.key, key, top: place.depth == 0, depth },
                };
                self.walk(value, inside, typed);
            }
        } else if value.is_array() {
            for element in value.elements() {
                self.walk(element, Place { depth, ..place }, typed);
            }
        } else if let Some(text) = value.string()
            && let Some(type_) = typed(&place, &text)
        {
            self.add(type_, &text);
        }
    }

    /// The record's own resources[].
    fn listed(&mut self, event: &Event) {
        for entry in event.json("resources").into_iter().flat_map(Json::elements) {
            let text = |key| entry.get(key).and_then(Json::string).filter(|text| !text.is_empty());
            let name = text("ARN").or_else(|| text("arn")).or_else(|| text("ARNPrefix"));
            if let Some(name) = name {
                self.add(text("type").as_deref().unwrap_or_default(), &name);
            }
        }
    }

    /// Adds a resource once; an empty type is an unknown one.
    fn add(&mut self, type_: &str, name: &str) {
        let fits = name.len() <= NAME_CHARS_MAX || name.chars().nth(NAME_CHARS_MAX).is_none();
        let usable = fits && !name.is_empty() && !REDACTED.contains(&name);
        if !usable || self.0.len() >= RESOURCES_MAX {
            return;
        }
        let type_ = Some(type_).filter(|type_| !type_.is_empty());
        if !self.0.iter().any(|known| known.name == name && known.type_.as_deref() == type_) {
            self.0.push(Resource { type_: type_.map(str::to_owned), name: name.to_owned() });
        }
    }
}
