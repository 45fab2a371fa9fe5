//! A session: the tables that were declared in it, and where statements run.

use anyhow::anyhow;
use lake::raw_files::Declaration;
use lake::sql::{self, ErrorKind};

use super::local::Local;
use super::output::{Form, Out, Place};
use super::{Arguments, mistake, server};
use crate::client::Client;
use crate::exit;
use crate::import::bucket;
use crate::lookup::terminal::Terminal;
use crate::lookup::when;

/// Where statements run, and how their rows are written.
pub(super) struct Session {
    arguments: Arguments,
    /// None where log files are read instead.
    client: Option<Client>,
    local: Local,
    /// Results that were written.
    results: u64,
}

impl Session {
    /// A session with the server, or over the files, that the arguments name.
    pub(super) async fn open(arguments: Arguments) -> anyhow::Result<Self> {
        let mut local = Local::new(!arguments.every_file, now_us);
        let client = match &arguments.files {
            Some(place) => {
                local.give(place, &arguments.bucket).await?;
                None
            }
            None => Some(Client::new(&arguments.client).await?),
        };
        Ok(Self { arguments, client, local, results: 0 })
    }

    /// The server, if there is one.
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// What the tables are called that were declared.
    pub(super) fn declared(&self) -> impl Iterator<Item = &str> {
        self.local.declared()
    }

    /// What the program ends with if nothing else went wrong.
    pub(super) fn code(&self) -> u8 {
        if self.local.any_damage() { exit::WRONG } else { exit::FINE }
    }

    /// Runs a statement: a declaration, or a SELECT whose rows are written.
    pub(super) async fn run(&mut self, statement: &str) -> anyhow::Result<()> {
        let refused = |error: sql::Error| anyhow!(mistake::told(&error.to_string(), statement));
        if let Some(declaration) = Declaration::parse(statement).map_err(refused)? {
            return self.declare(&declaration).await;
        }
        let bounded = self.bounded(statement).map_err(refused)?;
        let mut out = self.out()?;
        match self.local.compile(&bounded) {
            Ok(compiled) if self.client.is_none() || !compiled.tables.is_empty() => {
                self.local.run(&bounded, compiled, &mut out).await?;
            }
            Err(error) if self.client.is_none() || !self.is_for_server(&error) => {
                return Err(anyhow!(mistake::told(&error.to_string(), &bounded)));
            }
            _ => {
                if let Some(client) = &self.client {
                    server::run(client, &bounded, statement, &mut out).await?;
                }
            }
        }
        self.results += 1;
        if out.rows() == 0 {
            eprintln!("no rows");
        }
        Ok(())
    }

    /// Whether the server may know what is not known here: where nothing was declared, it has the say.
    fn is_for_server(&self, error: &sql::Error) -> bool {
        matches!(error.kind, ErrorKind::UnknownTable(_)) || self.local.declared().next().is_none()
    }

    /// The statement with `--since` in it.
    fn bounded(&self, statement: &str) -> Result<String, sql::Error> {
        match self.arguments.since {
            Some(since) => sql::since(statement, &time_text(since.resolve(when::now_s()))),
            None => Ok(statement.to_owned()),
        }
    }

    fn out(&self) -> anyhow::Result<Out> {
        let place = self.arguments.output_file.clone().map_or(Place::Stdout, Place::File);
        if self.results > 0 && (place != Place::Stdout || self.arguments.output == Form::Parquet) {
            return Err(anyhow!("there is one file for one result, but several statements have some"));
        }
        Ok(Out::new(self.arguments.output, place, Terminal::of_stdout()))
    }

    /// Declares a table over its location: with `--files` over these files, else over a bucket of the server, unless
    /// another is named.
    async fn declare(&mut self, declaration: &Declaration) -> anyhow::Result<()> {
        let at_server = self.client.as_ref().filter(|_| !self.arguments.bucket.any()).map(|client| {
            bucket::Arguments::at(client.endpoint().as_str(), self.arguments.client.profile(), Some(client.region()))
        });
        let (place, bucket) = match (&self.arguments.files, &at_server) {
            (Some(files), _) => (files, &self.arguments.bucket),
            (None, Some(bucket)) => (&declaration.location, bucket),
            (None, None) => (&declaration.location, &self.arguments.bucket),
        };
        if self.client.is_some() && !place.starts_with("s3://") {
            return Err(anyhow!("LOCATION '{place}' is not in a bucket: s3://…\nhint: --files reads folders"));
        }
        self.local.declare(declaration, place, bucket).await?;
        eprintln!("{}: the log files of {place}", declaration.name);
        if !declaration.unknown.is_empty() {
            eprintln!("records have no {}; the table has the columns that records have", declaration.unknown.join(", "));
        }
        Ok(())
    }
}

/// Seconds since 1970 as statements have them.
fn time_text(at_s: i64) -> String {
    cloudtrail::event::time_text(at_s)
}

/// What time it is for who asks.
fn now_us() -> i64 {
    when::now_s() * 1_000_000
}
