//! Which tables there are and what they may be called (R1, R2).

use arrow::datatypes::SchemaRef;
use cloudtrail::event_data_store::Family;
use datafusion::sql::sqlparser::ast::Ident;

use super::error::{Error, Place, did_you_mean};
use super::lexer::OCSF_PREFIX;

/// Names that stand for the caller's one store of CloudTrail events in texts that are pasted from elsewhere.
const PLACEHOLDERS: &[&str] =
    &["event_data_store", "event_data_store_id", "$eds_id", "eds_id", "eds", "$eventdatastoreid$", "your_event_data_store_id"];
/// The table of Athena's guides: the same store seen as Athena shows log files (R9).
const ATHENA_TABLE: &str = "cloudtrail_logs";

/// The tables that a statement may name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The event data stores that the caller can see, active or not.
    pub tables: Vec<Named>,
    /// Other names, and the UUID, ARN or name each stands for.
    pub aliases: Vec<(String, String)>,
    /// Whether only what CloudTrail Lake itself accepts is accepted: UUIDs as tables, no dotted paths into maps and
    /// lists, no comparisons of unlike types.
    pub strict: bool,
    /// The columns of tables in OCSF, if there are such tables.
    pub ocsf: Option<SchemaRef>,
}

/// One table.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its UUID.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What its rows look like.
    pub shape: Shape,
    /// Whether it is meant where no store is named.
    pub default: bool,
    /// Whether it can be queried at present. Others are found by name, but are never meant by a placeholder.
    pub active: bool,
}

/// What the rows of a table look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A store's: the columns of its family.
    Store(Family),
    /// CloudTrail events as Athena shows log files (R9): eventtime is text, and so is readonly.
    Athena,
    /// CloudTrail events as OCSF.
    Ocsf,
}

/// What a name in FROM stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The id of the provider that the engine is to be given.
    pub(crate) id: String,
    pub(crate) shape: Shape,
}

impl Names {
    /// What this name of a table stands for.
    pub(crate) fn resolve(&self, parts: &[Ident]) -> Result<Resolved, Error> {
        let place = parts.first().map(|part| Place::from(part.span)).unwrap_or_default();
        let written = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        if let Some(named) = self.by_id(&written) {
            return Ok(Resolved { id: named.id.clone(), shape: named.shape });
        }
        if self.strict {
            let message = format!("event data store {written} does not exist");
            return Err(Error::unknown_table(place, &written, message).hint(Some("name a store by its UUID".to_owned())));
        }
        if written.eq_ignore_ascii_case(ATHENA_TABLE) && self.by_name(&written).is_none() {
            return Ok(Resolved { id: self.default(place, &written)?.id.clone(), shape: Shape::Athena });
        }
        let ocsf =
            written.get(..OCSF_PREFIX.len()).filter(|start| self.ocsf.is_some() && start.eq_ignore_ascii_case(OCSF_PREFIX));
        if let Some(prefix) = ocsf
            && let Ok(named) = self.store(place, &written[prefix.len()..])
        {
            return Ok(Resolved { id: format!("{OCSF_PREFIX}{}", named.id), shape: Shape::Ocsf });
        }
        self.store(place, &written).map(|named| Resolved { id: named.id.clone(), shape: named.shape })
    }

    fn store(&self, place: Place, written: &str) -> Result<&Named, Error> {
        if let Some(named) = self.by_id(written).or_else(|| self.by_name(written)) {
            return Ok(named);
        }
        if let Some((_, target)) = self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(written)) {
            let message = format!("event data store {target} does not exist, for which {written} stands");
            let named = self.by_id(target).or_else(|| self.by_name(target));
            return named.ok_or_else(|| Error::unknown_table(place, written, message));
        }
        if PLACEHOLDERS.iter().any(|name| name.eq_ignore_ascii_case(written)) {
            return self.default(place, written);
        }
        let message = format!("event data store {written} does not exist");
        Err(Error::unknown_table(place, written, message).hint(self.nearest(written)))
    }

    fn by_id(&self, written: &str) -> Option<&Named> {
        self.tables.iter().find(|named| named.id.eq_ignore_ascii_case(written) || named.arn == written)
    }

    /// By name: exactly, else whatever the case if only one store has it.
    fn by_name(&self, written: &str) -> Option<&Named> {
        if let Some(named) = self.tables.iter().find(|named| named.name == written) {
            return Some(named);
        }
        let mut alike = self.tables.iter().filter(|named| named.name.eq_ignore_ascii_case(written));
        alike.next().filter(|_| alike.next().is_none())
    }

    /// The one active store of CloudTrail events, or the one that is flagged.
    fn default(&self, place: Place, written: &str) -> Result<&Named, Error> {
        let fits = |named: &&Named| named.active && named.shape == Shape::Store(Family::Events);
        let candidates: Vec<&Named> = self.tables.iter().filter(fits).collect();
        match candidates.as_slice() {
            [one] => Ok(one),
            [] => {
                let message = format!("{written} stands for an active event data store of CloudTrail events, but there is none");
                Err(Error::unknown_table(place, written, message))
            }
            several => several.iter().find(|named| named.default).copied().ok_or_else(|| {
                let choices: Vec<String> = several.iter().map(|named| format!("{} ({})", named.id, named.name)).collect();
                let message = format!("{written} could be any of several event data stores");
                Error::unknown_table(place, written, message).hint(Some(format!("name one of {}", choices.join(", "))))
            }),
        }
    }

    fn nearest(&self, written: &str) -> Option<String> {
        let names = self.tables.iter().map(|named| named.name.as_str());
        did_you_mean(written, names.chain(PLACEHOLDERS.iter().take(1).copied()).chain([ATHENA_TABLE]))
    }
}
