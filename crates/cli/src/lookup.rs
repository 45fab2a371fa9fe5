//! `trailkeep lookup`: finds events in event history, newest first.

pub(crate) mod cell;
mod csv;
pub(crate) mod filters;
mod page;
pub(crate) mod row;
mod table;
pub(crate) mod terminal;
pub(crate) mod when;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::client::{self, Client};
use crate::exit::{self, Failure};
use filters::Filters;
use page::{Hit, Pages, Question};
use row::Row;
use table::Table;
use terminal::Terminal;
use when::When;

const EXAMPLES: &str = "\
Times are 30m, 2h, 7d or 2w ago, today, yesterday, a date (2026-01-31), a date and time (2026-01-31T09:30, UTC unless it \
says otherwise: 2026-01-31T09:30:00+02:00), or seconds since 1970.

Examples:
  trailkeep lookup --event-name DeleteTrail --since 7d
  trailkeep lookup --user dana --read-only false --since yesterday
  trailkeep lookup --resource-name acme-audit --output json --limit 0 | jq .sourceIPAddress
  trailkeep lookup --access-key AKIAEXAMPLEEXAMPLE01 --output csv --limit 0 > key.csv

Exit codes: 0 also when nothing is found; 1 refused by the server; 2 server unreachable; 3 usage.";

/// Arguments of `lookup`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Events at or after this time.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Events at or before this time; a date is its first moment.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// Insights events instead of management events.
    #[arg(long)]
    insight: bool,
    /// The most events to show, the newest; 0 shows all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
    /// A table; json: the records as they are stored, one a line; csv: for spreadsheets.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Also when and how a record came in, and who sent it. With json, a line is {"acceptedAt", "origin", "sender", "event"}.
    #[arg(long)]
    sender: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    client: client::Arguments,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
    Csv,
}

/// Looks events up and shows them.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let question = question(&arguments)?;
    let client = Client::new(&arguments.client).await?;
    let mut out = Out::new(&arguments, Terminal::of_stdout());
    let shown = match show(&mut Pages::new(client, question), &mut out, arguments.limit).await {
        // Who reads the output has seen enough: `trailkeep lookup | head`.
        Err(error) if terminal::is_closed(&error) => return Ok(exit::FINE),
        shown => shown?,
    };
    match shown {
        Shown { events: 0, .. } => eprintln!("no events found"),
        Shown { events, more: true } => eprintln!("the newest {events} events are shown; --limit 0 shows all"),
        Shown { .. } => {}
    }
    Ok(exit::FINE)
}

fn question(arguments: &Arguments) -> Result<Question, Failure> {
    let now_s = when::now_s();
    let (start, end) = (arguments.since.map(|when| when.resolve(now_s)), arguments.until.map(|when| when.resolve(now_s)));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(Failure::Usage("--since is after --until".to_owned()));
    }
    let region = arguments.filters.region(&arguments.client).map(str::to_owned);
    Ok(Question { filters: arguments.filters.attributes(), region, insight: arguments.insight, start, end })
}

struct Shown {
    events: u64,
    /// Whether there are more than the limit allowed to show.
    more: bool,
}

async fn show(pages: &mut Pages, out: &mut Out, limit: u64) -> anyhow::Result<Shown> {
    let mut left = if limit == 0 { u64::MAX } else { limit };
    let mut shown = Shown { events: 0, more: false };
    // One more than is shown is asked for: it tells whether there are more.
    while let Some(page) = pages.next(left.saturating_add(1)).await? {
        let hits = page.hits()?;
        let fitting = hits.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        out.write(&hits[..fitting])?;
        left -= fitting as u64;
        shown.events += fitting as u64;
        if fitting < hits.len() {
            shown.more = true;
            break;
        }
    }
    out.finish()?;
    Ok(shown)
}

/// Where events go, in the form that was asked for.
struct Out {
    output: Output,
    sender: bool,
    terminal: Terminal,
    table: Option<Table>,
    begun: bool,
    to: std::io::BufWriter<std::io::Stdout>,
}

impl Out {
    fn new(arguments: &Arguments, terminal: Terminal) -> Self {
        let to = std::io::BufWriter::new(std::io::stdout());
        Self { output: arguments.output, sender: arguments.sender, terminal, table: None, begun: false, to }
    }

    fn write(&mut self, hits: &[Hit<'_>]) -> anyhow::Result<()> {
        match self.output {
            Output::Json => hits.iter().try_for_each(|hit| self.json(hit))?,
            Output::Csv => self.csv(hits)?,
            Output::Table => self.table(hits)?,
        }
        Ok(self.to.flush()?)
    }

    fn json(&mut self, hit: &Hit<'_>) -> anyhow::Result<()> {
        if self.sender {
            serde_json::to_writer(&mut self.to, &hit.enveloped()).map_err(std::io::Error::from)?;
        } else {
            self.to.write_all(hit.event.get().as_bytes())?;
        }
        Ok(self.to.write_all(b"\n")?)
    }

    fn csv(&mut self, hits: &[Hit<'_>]) -> anyhow::Result<()> {
        if !self.begun {
            self.to.write_all(csv::header(self.sender).as_bytes())?;
            self.begun = true;
        }
        for hit in hits {
            self.to.write_all(csv::line(&Row::of(hit.event.get())?, hit.event.get(), self.sender.then_some(hit)).as_bytes())?;
        }
        Ok(())
    }

    /// The first page decides how wide the columns are; the header stands once.
    fn table(&mut self, hits: &[Hit<'_>]) -> anyhow::Result<()> {
        let rows = hits.iter().map(|hit| self.cells(hit)).collect::<anyhow::Result<Vec<_>>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        if self.table.is_none() {
            let table = Table::fitting(&table::heads(self.sender), &rows, self.terminal);
            self.to.write_all(table.header().as_bytes())?;
            self.table = Some(table);
        }
        let table = self.table.as_ref().expect("it was just made");
        for row in &rows {
            self.to.write_all(table.line(row).as_bytes())?;
        }
        Ok(())
    }

    fn cells(&self, hit: &Hit<'_>) -> anyhow::Result<Vec<String>> {
        let mut cells = Row::of(hit.event.get())?.cells();
        if self.sender {
            cells.extend([hit.accepted_at(), hit.origin.to_string(), hit.sender.to_string()]);
        }
        Ok(cells.iter().map(|cell| cell::clean(cell)).collect())
    }

    /// A header stands in CSV even when nothing was found, so that programs can rely on it.
    fn finish(&mut self) -> anyhow::Result<()> {
        if self.output == Output::Csv {
            self.csv(&[])?;
        }
        Ok(self.to.flush()?)
    }
}
