//! Writes what is published, puts it in force, and removes what nobody needs any more.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use catalog::iceberg::{self, Leftover, Published};

use super::draft::Draft;
use super::manifest::DataFile as Described;
use super::metrics::Metrics;
use super::schema::Schema;
use super::steps::{Step, steps};
use super::{DataFile, Error, GRACE_US, METADATA_FOLDER, Table};

/// What a store has at the moment.
#[derive(Clone)]
pub struct Watched {
    /// Its files.
    pub files: Vec<DataFile>,
    /// Keeps the files on disk as long as it is there.
    pub hold: Arc<dyn Any + Send + Sync>,
}

/// Publishes the tables of one data directory. It alone changes what is published.
pub struct Publisher {
    catalog: Catalog,
    root: PathBuf,
    tables: HashMap<String, State>,
}

/// A table at work.
struct State {
    published: Published,
    schema: Arc<Schema>,
    /// What keeps the files of the published snapshot on disk.
    hold: Option<Arc<dyn Any + Send + Sync>>,
    /// What keeps files of earlier snapshots on disk, and until when.
    held: VecDeque<(i64, Arc<dyn Any + Send + Sync>)>,
}

impl Publisher {
    /// A publisher for the tables below `root`.
    pub fn new(catalog: Catalog, root: PathBuf) -> Self {
        Self { catalog, root, tables: HashMap::new() }
    }

    /// Publishes what a store has, if that is not what is published. Returns whether anything was.
    pub async fn publish(&mut self, table: &Table, watched: Watched, now_us: i64) -> Result<bool, Error> {
        let (mut state, forget_us) = match self.tables.remove(&table.store) {
            Some(state) => (state, now_us.saturating_sub(GRACE_US)),
            // What was merged away before the start is removed at the start: only the newest snapshot is sure to be whole.
            None => (self.begin(table).await?, i64::MAX),
        };
        // After a failure the state is read anew: it is not known what of it is in force.
        let done = self.advance(table, &mut state, &watched, now_us, forget_us).await?;
        let before = state.hold.replace(watched.hold);
        state.held.extend(before.filter(|_| done).map(|hold| (now_us.saturating_add(GRACE_US), hold)));
        while state.held.front().is_some_and(|(until_us, _)| *until_us <= now_us) {
            state.held.pop_front();
        }
        self.tables.insert(table.store.clone(), state);
        self.clean(table, now_us).await?;
        Ok(done)
    }

    /// Takes back all that is published of a table, and removes it.
    pub async fn withdraw(&mut self, account: &str, store: &str, now_us: i64) -> Result<(), Error> {
        self.tables.remove(store);
        let mut tx = self.catalog.begin().await?;
        iceberg::withdraw(&mut tx, store, now_us).await?;
        tx.commit().await?;
        let family = cloudtrail::event_data_store::Family::Events;
        self.clean(&Table { account: account.to_owned(), store: store.to_owned(), family }, now_us).await
    }

    /// Lets go of the tables that are not among `stores`: they are withdrawn, or gone.
    pub fn keep_only(&mut self, stores: &BTreeSet<String>) {
        self.tables.retain(|store, _| stores.contains(store));
    }

    /// Reads what is published, and removes what a crash left behind.
    async fn begin(&self, table: &Table) -> Result<State, Error> {
        let published = iceberg::published(&self.catalog, &table.store).await?;
        let leftovers = iceberg::leftovers(&self.catalog, &table.store).await?;
        let mut named: BTreeSet<String> = leftovers.into_iter().map(|leftover| leftover.name).collect();
        named.extend(published.table.metadata.clone());
        named.extend(published.manifests.iter().map(|manifest| manifest.name.clone()));
        named.extend(published.snapshots.iter().map(|snapshot| snapshot.list.clone()));
        let folder = self.metadata_folder(table);
        blocking(move || sweep(&folder, &named)).await?;
        let schema = Arc::new(Schema::of(table.family));
        Ok(State { published, schema, hold: None, held: VecDeque::new() })
    }

    async fn advance(
        &self,
        table: &Table,
        state: &mut State,
        watched: &Watched,
        now_us: i64,
        forget_us: i64,
    ) -> Result<bool, Error> {
        let schema = Arc::clone(&state.schema);
        let mut draft = Draft::new(table, &schema, &state.published, now_us, forget_us)?;
        let steps = steps(&draft.known(), &watched.files);
        if steps.is_empty() && !draft.forgets() && state.published.table.metadata.is_some() {
            return Ok(false);
        }
        for step in &steps {
            self.read_entries(table, &schema, &mut draft, step).await?;
            draft.apply(step)?;
        }
        let drafted = draft.finish()?;
        let folder = self.metadata_folder(table);
        blocking(move || write_all(&folder, &drafted.files)).await?;
        let mut tx = self.catalog.begin().await?;
        iceberg::publish(&mut tx, &table.store, &drafted.change).await?;
        tx.commit().await?;
        state.published = drafted.after;
        Ok(true)
    }

    /// Reads what a step has to write again, and looks into the files it adds.
    async fn read_entries(&self, table: &Table, schema: &Arc<Schema>, draft: &mut Draft<'_>, step: &Step) -> Result<(), Error> {
        for name in draft.unread(&draft.taken_apart(step)) {
            for (file, entry) in iceberg::entries(&self.catalog, &table.store, &name).await? {
                draft.read(file.path, entry);
            }
        }
        let (table, root, schema, added) = (table.clone(), self.root.clone(), Arc::clone(schema), step.added.clone());
        let describe_all = move || added.iter().map(|file| describe(&table, &root, &schema, file)).collect::<Result<Vec<_>, _>>();
        for (path, entry) in blocking(describe_all).await? {
            draft.read(path, entry);
        }
        Ok(())
    }

    /// Removes what is left over and old enough.
    async fn clean(&self, table: &Table, now_us: i64) -> Result<(), Error> {
        let leftovers = iceberg::leftovers(&self.catalog, &table.store).await?;
        let due: Vec<Leftover> = leftovers.into_iter().filter(|leftover| leftover.until_us <= now_us).collect();
        if due.is_empty() {
            return Ok(());
        }
        let (folder, names) = (self.metadata_folder(table), due.iter().map(|leftover| leftover.name.clone()).collect());
        blocking(move || remove(&folder, names)).await?;
        let mut tx = self.catalog.begin().await?;
        for leftover in &due {
            iceberg::forget_leftover(&mut tx, &table.store, &leftover.name).await?;
        }
        Ok(tx.commit().await?)
    }

    fn metadata_folder(&self, table: &Table) -> PathBuf {
        table.folder(&self.root).join(METADATA_FOLDER)
    }
}

/// A file's record in a manifest. Blocks.
fn describe(table: &Table, root: &Path, schema: &Schema, file: &DataFile) -> Result<(String, Vec<u8>), Error> {
    let metrics = Metrics::read(&table.folder(root).join(&file.path), schema)?;
    let uri = format!("{}/{}", table.uri(), file.path);
    let described = Described { uri: &uri, day: file.day, rows: file.rows, bytes: file.bytes, metrics: &metrics };
    Ok((file.path.clone(), described.encode()))
}

/// Writes files and makes them durable. Blocks.
fn write_all(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    sync_folder(parent)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let write = || {
            let mut file = fs::File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(Error::file(&path))?;
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(folder))
}

/// Removes what nothing names. Blocks.
fn sweep(folder: &Path, named: &BTreeSet<String>) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::file(folder))?,
    };
    let mut unnamed = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::file(folder))?.file_name();
        unnamed.extend(name.into_string().ok().filter(|name| !named.contains(name)));
    }
    remove(folder, unnamed)
}

/// Removes files; those that are gone already are fine. Blocks.
fn remove(folder: &Path, names: Vec<String>) -> Result<(), Error> {
    for name in names {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(Error::file(&path))?,
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}
