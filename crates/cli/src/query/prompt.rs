//! Asking for statements, one after the other.

use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::completion::Typing;
use super::server;
use super::session::Session;
use super::statements;
use crate::exit::{self, Failure};
use crate::import::state;
use crate::lookup::terminal;

/// What ends the session.
const LEAVE: [&str; 3] = ["exit", "quit", "\\q"];
/// What is understood without `;`.
const COMMANDS: [&str; 6] = ["exit", "quit", "\\q", "help", "\\?", "tables"];
/// Statements that are kept.
const HISTORY_MAX: usize = 1_000;
const PROMPT: &str = "trailkeep> ";
const HELP: &str = "\
End a statement with ; to run it. Ctrl-C stops it, or forgets what is typed; Ctrl-D leaves.
  tables   what statements can name
  exit     leave
event_data_store stands for the one store there is, or for the files; Tab completes columns and functions.";

type Asking = Editor<Typing, FileHistory>;

/// Asks and answers until the user leaves.
pub(super) async fn run(mut session: Session) -> anyhow::Result<u8> {
    let tables = tables(&session).await?;
    let mut editor = editor(&tables)?;
    let history = history();
    if let Some(path) = &history {
        // Without it, nothing was asked so far.
        editor.load_history(path).ok();
    }
    eprintln!("Trailkeep SQL: end statements with ;  help, exit");
    let mut doubtful = false;
    loop {
        let text = match tokio::task::block_in_place(|| editor.readline(PROMPT)) {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) if doubtful => break,
            Err(ReadlineError::Interrupted) => {
                eprintln!("Ctrl-C again, or Ctrl-D, leaves");
                doubtful = true;
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(ReadlineError::Signal(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        doubtful = false;
        let typed = text.trim();
        if typed.is_empty() {
            continue;
        }
        remember(&mut editor, history.as_deref(), typed);
        if LEAVE.iter().any(|word| typed.trim_end_matches(';').eq_ignore_ascii_case(word)) {
            break;
        }
        match typed.trim_end_matches(';').to_ascii_lowercase().as_str() {
            "help" | "\\?" => eprintln!("{HELP}"),
            "tables" => show_tables(&session).await,
            _ => answer(&mut session, &editor, typed).await,
        }
    }
    Ok(exit::FINE)
}

/// Runs what was typed; what goes wrong is told, and the session goes on.
async fn answer(session: &mut Session, editor: &Asking, typed: &str) {
    for statement in statements::split(typed) {
        let ran = session.run(statement).await;
        for table in session.declared() {
            if let Some(typing) = editor.helper() {
                typing.add_table(table);
            }
        }
        if let Err(error) = ran {
            if !terminal::is_closed(&error) {
                eprintln!("trailkeep: {error:#}");
            }
            return;
        }
    }
}

fn editor(tables: &[String]) -> rustyline::Result<Asking> {
    let config =
        Config::builder().history_ignore_space(true).completion_type(CompletionType::List).max_history_size(HISTORY_MAX)?.build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Typing::new(tables.to_vec(), &COMMANDS)));
    Ok(editor)
}

/// What was asked is kept for the next session; that it cannot be is no reason to stop.
fn remember(editor: &mut Asking, history: Option<&Path>, typed: &str) {
    let added = editor.add_history_entry(typed).unwrap_or(false);
    if let Some(path) = history.filter(|_| added) {
        path.parent().map(std::fs::create_dir_all);
        editor.append_history(path).ok();
    }
}

fn history() -> Option<PathBuf> {
    Some(state::home()?.join("query_history"))
}

/// Names of tables to complete. A server that cannot be reached is told of before anything is typed.
async fn tables(session: &Session) -> anyhow::Result<Vec<String>> {
    let Some(client) = session.client() else { return Ok(Vec::new()) };
    match server::stores(client).await {
        Ok(stores) => Ok(stores.into_iter().flat_map(|store| [store.name, store.id]).collect()),
        Err(error) if error.is::<Failure>() => Err(error),
        // Who may query need not be allowed to list.
        Err(_) => Ok(Vec::new()),
    }
}

async fn show_tables(session: &Session) {
    for table in session.declared() {
        eprintln!("{table}  (declared)");
    }
    let Some(client) = session.client() else {
        eprintln!(
            "event_data_store  the files, as CloudTrail Lake shows events\ncloudtrail_logs   the files, as Athena shows them"
        );
        return;
    };
    match server::stores(client).await {
        Ok(stores) => {
            for store in stores {
                eprintln!("{}  {}", store.id, store.name);
            }
        }
        Err(error) => eprintln!("trailkeep: {error:#}"),
    }
}
