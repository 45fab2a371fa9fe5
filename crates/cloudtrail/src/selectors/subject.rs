//! An event as selectors see it. What costs a walk over the record is looked up once, when first asked for.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::event::{Category, Event};
use crate::json::Json;

/// An event that one or many matchers decide about.
pub struct Subject<'a> {
    event: &'a Event,
    category: Category,
    read_only: Option<bool>,
    resources: OnceCell<Vec<Resource<'a>>>,
}

/// An element of the record's `resources`.
pub(super) struct Resource<'a> {
    pub(super) type_: Option<Cow<'a, str>>,
    pub(super) arn: Option<Cow<'a, str>>,
}

/// A field of an advanced selector other than the category and the two of `resources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    ReadOnly,
    UserArn,
    SessionFromConsole,
    /// A text at the top level, by its name.
    Text(&'static str),
    /// A field no legal selector has: absent from every record.
    Unknown,
}

impl Field {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "readOnly" => Self::ReadOnly,
            "userIdentity.arn" => Self::UserArn,
            "sessionCredentialFromConsole" => Self::SessionFromConsole,
            "eventName" => Self::Text("eventName"),
            "eventSource" => Self::Text("eventSource"),
            "eventType" => Self::Text("eventType"),
            "vpcEndpointId" => Self::Text("vpcEndpointId"),
            "errorCode" => Self::Text("errorCode"),
            _ => Self::Unknown,
        }
    }
}

impl<'a> Subject<'a> {
    /// Looks at an event.
    pub fn of(event: &'a Event) -> Self {
        Self { event, category: event.category(), read_only: event.read_only(), resources: OnceCell::new() }
    }

    pub(super) fn category(&self) -> Category {
        self.category
    }

    pub(super) fn read_only(&self) -> Option<bool> {
        self.read_only
    }

    /// The text of a field; booleans are `true` and `false`.
    pub(super) fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        match field {
            Field::ReadOnly => self.read_only.map(boolean),
            Field::SessionFromConsole => self.event.json("sessionCredentialFromConsole")?.boolean().map(boolean),
            Field::UserArn => self.event.json("userIdentity")?.get("arn")?.string(),
            Field::Text(name) => self.event.text(name),
            Field::Unknown => None,
        }
    }

    pub(super) fn resources(&self) -> &[Resource<'a>] {
        self.resources.get_or_init(|| {
            let elements = self.event.json("resources").into_iter().flat_map(Json::elements);
            elements.map(Resource::of).collect()
        })
    }
}

impl<'a> Resource<'a> {
    /// S3 listings have an `ARNPrefix` in the place of the ARN, hand-made records an `arn` (PROFILE.md).
    fn of(element: Json<'a>) -> Self {
        let text = |key| element.get(key).and_then(Json::string);
        Self { type_: text("type"), arn: text("ARN").or_else(|| text("ARNPrefix")).or_else(|| text("arn")) }
    }

    pub(super) fn is(&self, type_: &str) -> bool {
        self.type_.as_deref() == Some(type_)
    }
}

fn boolean(value: bool) -> Cow<'static, str> {
    Cow::Borrowed(if value { "true" } else { "false" })
}
