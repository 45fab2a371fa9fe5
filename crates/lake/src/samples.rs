//! Sample queries: questions that are often asked of an audit trail, each with its SQL, and the way from words to the
//! nearest of them.
//!
//! The queries stand in `samples/library/*.sql` as templates. SearchSampleQueries shows them with example values;
//! GenerateQuery fills in what a prompt names: principals, addresses, actions, Regions, times.

mod draft;
mod facts;
mod period;
mod ranking;
mod template;
mod words;

use cloudtrail::event_data_store::Family;

pub use draft::Draft;
use ranking::Ranking;
use template::Template;

/// The table in a sample's SQL, to be replaced by an event data store.
pub const TABLE: &str = "$EDS_ID";

/// The library, a file per topic.
const FILES: [&str; 8] = [
    include_str!("samples/library/principals.sql"),
    include_str!("samples/library/actions.sql"),
    include_str!("samples/library/windows.sql"),
    include_str!("samples/library/sign_in.sql"),
    include_str!("samples/library/buckets.sql"),
    include_str!("samples/library/identities.sql"),
    include_str!("samples/library/guards.sql"),
    include_str!("samples/library/overviews.sql"),
];

/// A sample query.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it is called.
    pub name: String,
    /// What it answers.
    pub description: String,
    /// Which family of event data stores it is for.
    pub family: Family,
    words: String,
    template: Template,
}

impl Sample {
    /// Its SQL with example values, over the table [`TABLE`].
    pub fn sql(&self) -> String {
        self.template.example()
    }

    /// Its SQL with `?` in place of each value.
    pub fn parameterised(&self) -> String {
        self.template.parameterised()
    }

    /// A name under which it can be started: `AccessDenied bursts` is `sample.AccessDenied-bursts`.
    pub fn alias(&self) -> String {
        let parts = self.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        format!("sample.{}", parts.collect::<Vec<_>>().join("-"))
    }
}

/// A sample that was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The sample.
    pub sample: &'a Sample,
    /// How well it fits, from 0 to 1.
    pub relevance: f32,
}

/// All sample queries.
#[derive(Clone, Debug)]
pub struct Library {
    samples: Vec<Sample>,
    ranking: Ranking,
}

impl Default for Library {
    fn default() -> Self {
        let samples: Vec<Sample> = FILES.into_iter().flat_map(parse).collect();
        let ranking = Ranking::new(&samples);
        Self { samples, ranking }
    }
}

impl Library {
    /// All samples, by topic.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The sample that [`Sample::alias`] names.
    pub fn by_alias(&self, alias: &str) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.alias() == alias)
    }

    /// The samples that have to do with a phrase, the nearest first.
    pub fn search(&self, phrase: &str) -> Vec<Found<'_>> {
        let query = words::stems(phrase);
        let scored =
            self.samples.iter().enumerate().map(|(n, sample)| Found { sample, relevance: self.ranking.relevance(n, &query) });
        let mut found: Vec<Found<'_>> = scored.filter(|found| found.relevance >= ranking::RELEVANCE_MIN).collect();
        // Stable: equals stay in the order of the library.
        found.sort_by(|a, b| b.relevance.total_cmp(&a.relevance));
        found
    }
}

/// The samples of a file: each begins with `-- name:`, further comments say the rest, and the SQL follows.
fn parse(text: &str) -> impl Iterator<Item = Sample> {
    text.split("-- name: ").skip(1).map(|entry| {
        let (name, rest) = entry.split_once('\n').unwrap_or((entry, ""));
        let said = |what: &str| {
            let lines = rest.lines().filter_map(|line| line.strip_prefix("-- ")?.strip_prefix(what)?.strip_prefix(": "));
            lines.collect::<Vec<_>>().join(" ")
        };
        let sql: Vec<&str> = rest.lines().filter(|line| !line.starts_with("-- ")).collect();
        Sample {
            name: name.trim().to_owned(),
            description: said("description"),
            family: family(&said("family")),
            words: said("words"),
            template: Template::parse(sql.join("\n").trim()),
        }
    })
}

fn family(text: &str) -> Family {
    match text {
        "Insight" => Family::Insight,
        "Activity" => Family::Activity,
        "ConfigurationItem" => Family::ConfigurationItem,
        "Evidence" => Family::Evidence,
        _ => Family::Events,
    }
}

#[cfg(test)]
mod tests;
