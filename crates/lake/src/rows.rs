//! Records as rows: the bytes of an event in, columns out.
//!
//! What must stay true: no event is lost, whatever is in it. A value of another type than its column's is NULL there,
//! and stands in `eventjson` with everything else. Text is not copied: a column's value points into the record's bytes,
//! of which the batch holds one copy.

mod bits;
mod insight;
mod node;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use cloudtrail::event::Event;
use cloudtrail::event_data_store::Family;
use cloudtrail::json::Json;

use crate::schema::{self, Column};
use node::{Context, Node};
use text::Text;

/// Text that is not a piece of a record as it stands lies in this block of a batch, the records in the one before it.
const EXTRA_BLOCK: u32 = 1;

/// Makes a batch of records, row by row.
pub struct Rows {
    family: Family,
    schema: SchemaRef,
    tops: Vec<Top>,
    shadows: Vec<Text>,
    sources: Vec<Source>,
    records: Vec<u8>,
    extra: Vec<u8>,
    json: Text,
    accounts: Text,
    times: Vec<i64>,
    positions: Vec<i64>,
    ingested: Vec<i64>,
}

/// A column that is a top-level value of the record.
struct Top {
    key: &'static str,
    node: Node,
}

/// Where a column's values come from.
enum Source {
    Top(usize),
    Shadow(usize),
    Time,
    Json,
    Position,
    Account,
    Ingested,
}

impl Rows {
    /// No rows yet, of a table of that family.
    pub fn new(family: Family) -> Self {
        let columns: Vec<&'static Column> = schema::columns(family).iter().filter(|column| column.stored).collect();
        let mut rows = Self {
            family,
            schema: schema::stored_schema(family),
            tops: Vec::new(),
            shadows: Vec::new(),
            sources: Vec::new(),
            records: Vec::new(),
            extra: Vec::new(),
            json: Text::default(),
            accounts: Text::default(),
            times: Vec::new(),
            positions: Vec::new(),
            ingested: Vec::new(),
        };
        for column in columns {
            let source = rows.source(column);
            rows.sources.push(source);
        }
        rows
    }

    /// Makes room for so many rows, whose records are `bytes` together: the batch keeps what is made for it.
    pub fn reserve(&mut self, rows: usize, bytes: usize) {
        self.records.reserve_exact(bytes);
        for numbers in [&mut self.times, &mut self.positions, &mut self.ingested] {
            numbers.reserve_exact(rows);
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The bytes of the records.
    pub fn record_bytes(&self) -> usize {
        self.records.len()
    }

    /// One more row.
    pub fn push(&mut self, event: &Event, position: u64, accepted_at_us: i64) {
        let row = self.len();
        let offset = self.records.len() as u32;
        self.records.extend_from_slice(event.bytes());
        let mut context = Context { record: event.as_str(), offset, extra: &mut self.extra, shadows: &mut self.shadows };
        for top in &mut self.tops {
            if let Some(value) = event.json(top.key) {
                top.node.put(row, value, &mut context);
            }
        }
        if self.family == Family::Insight {
            insight::put(row, event, &mut self.tops, &mut context);
        }
        let json = context.view(event.as_str());
        let account = context.view(event.account().as_str());
        self.json.set(row, json);
        self.accounts.set(row, account);
        self.times.push(event_time_us(event));
        self.positions.push(position as i64);
        self.ingested.push(accepted_at_us);
    }

    /// The rows, with the columns that files hold.
    pub fn finish(self) -> RecordBatch {
        let rows = self.times.len();
        let buffers: Arc<[Buffer]> = [Buffer::from_vec(self.records), Buffer::from_vec(self.extra)].into();
        let mut tops: Vec<Option<Node>> = self.tops.into_iter().map(|top| Some(top.node)).collect();
        let mut shadows: Vec<Option<Text>> = self.shadows.into_iter().map(Some).collect();
        let (mut json, mut accounts) = (Some(self.json), Some(self.accounts));
        let mut times = Some(self.times);
        let mut positions = Some(self.positions);
        let mut ingested = Some(self.ingested);
        let time = |times: &mut Option<Vec<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(times.take().unwrap_or_default()))
        };
        let text = |text: &mut Option<Text>| text.take().unwrap_or_default().finish(rows, &buffers);
        let columns = self.sources.iter().map(|source| match source {
            Source::Top(at) => tops[*at].take().expect("each column has its node").finish(rows, &buffers),
            Source::Shadow(at) => text(&mut shadows[*at]),
            Source::Json => text(&mut json),
            Source::Account => text(&mut accounts),
            Source::Time => time(&mut times),
            Source::Ingested => time(&mut ingested),
            Source::Position => Arc::new(Int64Array::from(positions.take().unwrap_or_default())),
        });
        let columns = columns.collect();
        RecordBatch::try_new(self.schema, columns).expect("columns are built after the schema")
    }

    /// Where a column comes from; makes what is needed for it. Columns that are copied come before their copies.
    fn source(&mut self, column: &Column) -> Source {
        match column.name {
            schema::EVENT_TIME => Source::Time,
            schema::EVENT_JSON => Source::Json,
            schema::POSITION => Source::Position,
            schema::ACCOUNT => Source::Account,
            schema::INGESTED => Source::Ingested,
            _ if column.name.contains('.') => self.shadow(column),
            _ => {
                self.tops.push(Top { key: column.key, node: Node::new(column.kind) });
                Source::Top(self.tops.len() - 1)
            }
        }
    }

    fn shadow(&mut self, column: &Column) -> Source {
        let at = self.shadows.len();
        self.shadows.push(Text::default());
        let mut path = column.key.split('.');
        let first = path.next().unwrap_or_default();
        let rest: Vec<&'static str> = path.collect();
        let top = self.tops.iter_mut().find(|top| top.key == first);
        top.expect("a copied column exists").node.copy(&rest, at);
        Source::Shadow(at)
    }
}

/// eventTime in microseconds since 1970.
pub(crate) fn event_time_us(event: &Event) -> i64 {
    let whole = event.event_time_s().saturating_mul(1_000_000);
    let text = event.text("eventTime").unwrap_or_default();
    let fraction = text.as_bytes().get(19..).and_then(|rest| rest.strip_prefix(b".")).unwrap_or_default();
    let digits = fraction.iter().take_while(|digit| digit.is_ascii_digit()).chain(std::iter::repeat(&b'0')).take(6);
    whole.saturating_add(digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// A scalar's text: a string's content, a number or a boolean as it stands.
fn scalar_text(value: Json<'_>) -> Option<Cow<'_, str>> {
    if value.is_object() || value.is_array() || value.is_null() {
        return None;
    }
    Some(value.string().unwrap_or_else(|| Cow::Borrowed(value.raw())))
}

#[cfg(test)]
mod tests;
