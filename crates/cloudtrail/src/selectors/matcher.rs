//! Deciding about events. Selectors are taken apart once; a decision about an event of a category that no selector
//! names costs a comparison.

use super::basic::Target;
use super::subject::{Field, Resource, Subject};
use super::{AdvancedEventSelector, AdvancedFieldSelector, DataResource, EventSelector, ReadWriteType, Selectors};
use crate::event::{Category, Event};

/// Selectors, ready to decide.
#[derive(Debug, Clone)]
pub struct Matcher {
    rules: Vec<Rule>,
}

/// What one selector chooses, or a part of it.
#[derive(Debug, Clone)]
enum Rule {
    Management { kind: ReadWriteType, excluded: Vec<Box<str>> },
    Data { kind: ReadWriteType, wanted: Wanted },
    Advanced { category: Category, fields: Vec<(Field, Test)>, resource: Option<Box<ResourceTest>> },
}

/// The resources of a basic selector's type.
#[derive(Debug, Clone)]
enum Wanted {
    All(Box<str>),
    S3Prefixes(Vec<Box<str>>),
    Functions(Vec<Box<str>>),
    Tables(Vec<Box<str>>),
}

/// The conditions on `resources.type` and `resources.ARN`, which one element has to satisfy together.
#[derive(Debug, Clone, Default)]
struct ResourceTest {
    type_: Test,
    arn: Test,
}

/// The conditions on one field. `equals` and `not_equals` are sorted.
#[derive(Debug, Clone, Default)]
struct Test {
    equals: Vec<Box<str>>,
    starts_with: Vec<Box<str>>,
    ends_with: Vec<Box<str>>,
    not_equals: Vec<Box<str>>,
    not_starts_with: Vec<Box<str>>,
    not_ends_with: Vec<Box<str>>,
}

impl Matcher {
    pub(super) fn of(selectors: &Selectors) -> Self {
        let rules = match selectors {
            Selectors::Basic(selectors) => selectors.iter().flat_map(basic).collect(),
            Selectors::Advanced(selectors) => selectors.iter().filter_map(advanced).collect(),
        };
        Self { rules }
    }

    /// Whether the event is chosen.
    pub fn matches(&self, event: &Event) -> bool {
        self.takes(&Subject::of(event))
    }

    /// Whether an event of that category can be chosen at all.
    pub fn selects(&self, category: Category) -> bool {
        self.rules.iter().any(|rule| rule.category() == category)
    }

    /// The same as [`matches`](Self::matches), for an event that several matchers look at.
    pub fn takes(&self, subject: &Subject<'_>) -> bool {
        self.rules.iter().any(|rule| rule.takes(subject))
    }
}

impl Rule {
    fn category(&self) -> Category {
        match self {
            Self::Management { .. } => Category::Management,
            Self::Data { .. } => Category::Data,
            Self::Advanced { category, .. } => *category,
        }
    }

    fn takes(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Management { kind, excluded } => {
                subject.category() == Category::Management
                    && kind.takes(subject.read_only())
                    && (excluded.is_empty() || !is_excluded(excluded, subject))
            }
            Self::Data { kind, wanted } => {
                subject.category() == Category::Data
                    && kind.takes(subject.read_only())
                    && subject.resources().iter().any(|resource| wanted.takes(resource))
            }
            Self::Advanced { category, fields, resource } => {
                subject.category() == *category
                    && fields.iter().all(|(field, test)| test.takes(subject.text(*field).as_deref()))
                    && resource.as_ref().is_none_or(|test| test.takes(subject.resources()))
            }
        }
    }
}

fn is_excluded(excluded: &[Box<str>], subject: &Subject<'_>) -> bool {
    let source = subject.text(Field::Text("eventSource"));
    source.is_some_and(|source| excluded.iter().any(|excluded| **excluded == *source))
}

impl Wanted {
    fn takes(&self, resource: &Resource<'_>) -> bool {
        let arn = resource.arn.as_deref().unwrap_or_default();
        match self {
            Self::All(type_) => is_of(resource, type_),
            Self::S3Prefixes(prefixes) => {
                resource.is("AWS::S3::Object") && prefixes.iter().any(|prefix| arn.starts_with(&**prefix))
            }
            Self::Functions(functions) => resource.is("AWS::Lambda::Function") && has(functions, arn),
            Self::Tables(tables) => {
                let table = if resource.is("AWS::DynamoDB::Stream") { arn.split("/stream/").next() } else { Some(arn) };
                is_of(resource, TABLE) && table.is_some_and(|table| has(tables, table))
            }
        }
    }
}

const TABLE: &str = "AWS::DynamoDB::Table";

/// A table's type stands for its stream's too (trails.md §9.4).
fn is_of(resource: &Resource<'_>, type_: &str) -> bool {
    resource.is(type_) || type_ == TABLE && resource.is("AWS::DynamoDB::Stream")
}

impl ResourceTest {
    /// One element has to satisfy both. A record without resources is one in which both fields are absent.
    fn takes(&self, resources: &[Resource<'_>]) -> bool {
        if resources.is_empty() {
            return self.type_.takes(None) && self.arn.takes(None);
        }
        resources.iter().any(|resource| self.takes_type(resource) && self.arn.takes(resource.arn.as_deref()))
    }

    fn takes_type(&self, resource: &Resource<'_>) -> bool {
        self.type_.takes(resource.type_.as_deref()) || resource.is("AWS::DynamoDB::Stream") && self.type_.takes(Some(TABLE))
    }
}

impl Test {
    fn of(field: &AdvancedFieldSelector) -> Self {
        Self {
            equals: sorted(&field.equals),
            starts_with: boxed(&field.starts_with),
            ends_with: boxed(&field.ends_with),
            not_equals: sorted(&field.not_equals),
            not_starts_with: boxed(&field.not_starts_with),
            not_ends_with: boxed(&field.not_ends_with),
        }
    }

    /// An absent value can select nothing and veto nothing.
    fn takes(&self, value: Option<&str>) -> bool {
        let selects = !(self.equals.is_empty() && self.starts_with.is_empty() && self.ends_with.is_empty());
        match value {
            None => !selects,
            Some(value) => (!selects || self.selects(value)) && !self.vetoes(value),
        }
    }

    fn selects(&self, value: &str) -> bool {
        has(&self.equals, value)
            || self.starts_with.iter().any(|start| value.starts_with(&**start))
            || self.ends_with.iter().any(|end| value.ends_with(&**end))
    }

    fn vetoes(&self, value: &str) -> bool {
        has(&self.not_equals, value)
            || self.not_starts_with.iter().any(|start| value.starts_with(&**start))
            || self.not_ends_with.iter().any(|end| value.ends_with(&**end))
    }
}

/// A basic selector is one rule for management events and one for each of its resources.
fn basic(selector: &EventSelector) -> Vec<Rule> {
    let kind = selector.read_write_type;
    let excluded = boxed(&selector.exclude_management_event_sources);
    let management = selector.include_management_events.then_some(Rule::Management { kind, excluded });
    let data = selector.data_resources.iter().flat_map(wanted).map(|wanted| Rule::Data { kind, wanted });
    management.into_iter().chain(data).collect()
}

fn wanted(resource: &DataResource) -> Vec<Wanted> {
    let targets = || resource.values.iter().filter_map(|value| Target::of(&resource.type_, value));
    if targets().any(|target| target == Target::All) {
        return vec![Wanted::All(resource.type_.as_str().into())];
    }
    let (mut prefixes, mut functions, mut tables) = (vec![], vec![], vec![]);
    for target in targets() {
        match target {
            Target::All => {}
            Target::S3Prefix(prefix) => prefixes.push(prefix),
            Target::Function(function) => functions.push(function),
            Target::Table(table) => tables.push(table),
        }
    }
    [Wanted::S3Prefixes(sorted(&prefixes)), Wanted::Functions(sorted(&functions)), Wanted::Tables(sorted(&tables))]
        .into_iter()
        .filter(|wanted| !wanted.is_empty())
        .collect()
}

impl Wanted {
    fn is_empty(&self) -> bool {
        match self {
            Self::All(_) => false,
            Self::S3Prefixes(values) | Self::Functions(values) | Self::Tables(values) => values.is_empty(),
        }
    }
}

/// A selector without a category a record can have chooses nothing.
fn advanced(selector: &AdvancedEventSelector) -> Option<Rule> {
    let (mut category, mut resource) = (None, None::<Box<ResourceTest>>);
    let mut fields = Vec::new();
    for field in &selector.field_selectors {
        let test = Test::of(field);
        match field.field.as_str() {
            "eventCategory" => category = field.equals.first().and_then(|name| named(name)),
            "resources.type" => resource.get_or_insert_default().type_ = test,
            "resources.ARN" => resource.get_or_insert_default().arn = test,
            name => fields.push((Field::named(name), test)),
        }
    }
    Some(Rule::Advanced { category: category?, fields, resource })
}

fn named(category: &str) -> Option<Category> {
    match category {
        "Management" => Some(Category::Management),
        "Data" => Some(Category::Data),
        "NetworkActivity" => Some(Category::NetworkActivity),
        _ => None,
    }
}

fn boxed(values: &[impl AsRef<str>]) -> Vec<Box<str>> {
    values.iter().map(|value| value.as_ref().into()).collect()
}

fn sorted(values: &[impl AsRef<str>]) -> Vec<Box<str>> {
    let mut values = boxed(values);
    values.sort_unstable();
    values
}

fn has(sorted: &[Box<str>], value: &str) -> bool {
    sorted.binary_search_by(|candidate| (**candidate).cmp(value)).is_ok()
}
