//! From a prompt to SQL: the nearest sample, with the prompt's names, times and Regions filled in.

use cloudtrail::event_data_store::Family;

use super::facts::{Facts, Kind};
use super::template::{Template, compared, quoted};
use super::{Library, Sample};

/// What is less relevant is not near: no SQL is better than SQL for another question.
const NEAR_MIN: f32 = 0.3;
/// What each value counts that a sample has a place for.
const PLACE: f32 = 0.15;
/// The relevance of every sample when a prompt consists of nothing but names and times.
const NAMES_ONLY: f32 = 0.25;
/// How many drafts are worth a look.
const DRAFTS_MAX: usize = 3;

/// SQL for a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The name of the sample it was made from.
    pub sample: String,
    /// The SQL, over the table [`super::TABLE`].
    pub sql: String,
    /// How near the sample is.
    pub relevance: f32,
}

impl Library {
    /// SQL for a prompt, the nearest first; nothing when nothing is near. Everything that the prompt names is in it: a
    /// sample that has no place for a name is none for that prompt.
    pub fn draft(&self, prompt: &str, family: Family, now_s: i64) -> Vec<Draft> {
        let facts = Facts::read(prompt, now_s, &self.ranking);
        let of_family = self.samples.iter().enumerate().filter(|(_, sample)| sample.family == family);
        let mut drafts: Vec<Draft> = of_family.filter_map(|(n, sample)| self.draft_of(n, sample, &facts)).collect();
        drafts.sort_by(|a, b| b.relevance.total_cmp(&a.relevance));
        drafts.truncate(DRAFTS_MAX);
        drafts
    }

    fn draft_of(&self, n: usize, sample: &Sample, facts: &Facts) -> Option<Draft> {
        let template = &sample.template;
        if template.required().any(|kind| facts.first(kind).is_none()) {
            return None;
        }
        let places = facts.values.iter().filter(|(kind, _)| template.takes(*kind)).count();
        let relevance =
            if facts.terms.is_empty() && !facts.values.is_empty() { NAMES_ONLY } else { self.ranking.relevance(n, &facts.terms) };
        let relevance = relevance + PLACE * places as f32;
        if relevance < NEAR_MIN || facts.period.is_some() && !template.takes_period() {
            return None;
        }
        let also = also(template, facts)?;
        Some(Draft { sample: sample.name.clone(), sql: template.fill(facts, &also), relevance: relevance.min(1.0) })
    }
}

/// Conditions on what the template has no place for; None if it cannot have them.
fn also(template: &Template, facts: &Facts) -> Option<String> {
    let mut kinds: Vec<Kind> = facts.values.iter().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    let mut conditions = String::new();
    for (n, kind) in kinds.iter().enumerate() {
        let values = facts.all(*kind);
        let said = |value: &&str| template.says(&quoted(value));
        if template.takes(*kind) || kinds.iter().take(n).any(|before| before == kind) || values.iter().all(said) {
            continue;
        }
        let fixed = match kind {
            Kind::Action => template.says("eventName = '") || template.says("eventName IN ("),
            Kind::Error => {
                template.says("errorCode IN (") || template.says("errorCode = '") || template.says("errorCode IS NULL")
            }
            Kind::Service => template.says("eventSource = '"),
            _ => false,
        };
        if fixed || !template.takes_also() {
            return None;
        }
        conditions.push_str(" AND ");
        conditions.push_str(&condition(*kind, &values));
    }
    Some(conditions.trim_start().to_owned())
}

fn condition(kind: Kind, values: &[&str]) -> String {
    let column = match kind {
        Kind::Principal => "userIdentity.arn",
        Kind::User => "userIdentity.userName",
        Kind::Role => "userIdentity.sessionContext.sessionIssuer.arn",
        Kind::RoleName => "userIdentity.sessionContext.sessionIssuer.userName",
        Kind::Key => "userIdentity.accessKeyId",
        Kind::Ip => "sourceIPAddress",
        Kind::Action => "eventName",
        Kind::Service => "eventSource",
        Kind::Region => "awsRegion",
        Kind::Account => "recipientAccountId",
        Kind::Error => "errorCode",
        Kind::Event => "eventID",
        Kind::Bucket => "element_at(requestParameters, 'bucketName')",
        Kind::Function => "element_at(requestParameters, 'functionName')",
        Kind::Resource => return either(values, |value| format!("any_match(resources, r -> r.arn = {})", quoted(value))),
        Kind::Prefix => {
            return either(values, |value| format!("element_at(requestParameters, 'key') LIKE {} || '%'", quoted(value)));
        }
        Kind::Tag | Kind::Type | Kind::Text => {
            return either(values, |value| format!("eventJson LIKE '%' || {} || '%'", quoted(value)));
        }
    };
    format!("{column} {}", compared(values))
}

fn either(values: &[&str], one: impl Fn(&str) -> String) -> String {
    let all: Vec<String> = values.iter().map(|value| one(value)).collect();
    if all.len() == 1 { all.concat() } else { format!("({})", all.join(" OR ")) }
}
