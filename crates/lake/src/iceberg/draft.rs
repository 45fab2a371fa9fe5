//! A publication being put together: snapshots one after the other on what is published, all in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use catalog::iceberg::{Change, File, Leftover, Manifest, Published, Snapshot};
use serde_json::json;

use super::manifest::{self, Content, Entry, Head, Listed, Status};
use super::metadata::{self, State};
use super::schema::Schema;
use super::steps::{Known, Step};
use super::{Error, GRACE_US, Table};

/// Manifests a table may have before small ones are merged (Iceberg's commit.manifest.min-count-to-merge).
const MANIFESTS_MAX: usize = 100;
/// Files that a manifest lists at most. Own choice: about 2 MB, so that reading one stays a matter of milliseconds.
const MANIFEST_FILES_MAX: usize = 2_000;

/// A manifest with what the list says of it.
#[derive(Clone, Debug)]
struct Kept {
    bytes: u64,
    sequence: i64,
    snapshot: i64,
    content: Content,
}

/// A publication being put together.
pub(super) struct Draft<'a> {
    table: &'a Table,
    schema: &'a Schema,
    now_us: i64,
    before: &'a Published,
    sequence: i64,
    snapshots: Vec<Snapshot>,
    manifests: BTreeMap<String, Kept>,
    files: BTreeMap<String, File>,
    /// Records of files in their manifests, where they are needed, by path.
    entries: HashMap<String, Vec<u8>>,
    /// Files with a new place.
    moved: BTreeSet<String>,
    /// Manifests that earlier snapshots have, and the last one does not.
    dropped: BTreeSet<String>,
    written: BTreeMap<String, Vec<u8>>,
}

/// A publication put together.
pub(super) struct Drafted {
    /// Name and bytes of the files to write.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What to commit.
    pub(super) change: Change,
    /// What is published then.
    pub(super) after: Published,
}

impl<'a> Draft<'a> {
    /// A draft on top of what is published. Snapshots that others took the place of before `forget_us` are forgotten.
    pub(super) fn new(
        table: &'a Table,
        schema: &'a Schema,
        before: &'a Published,
        now_us: i64,
        forget_us: i64,
    ) -> Result<Self, Error> {
        let manifests = before.manifests.iter().map(|manifest| Ok((manifest.name.clone(), kept(manifest)?)));
        Ok(Self {
            table,
            schema,
            now_us,
            before,
            sequence: before.table.sequence,
            snapshots: remembered(&before.snapshots, forget_us).to_vec(),
            manifests: manifests.collect::<Result<_, Error>>()?,
            files: before.files.iter().map(|file| (file.path.clone(), file.clone())).collect(),
            entries: HashMap::new(),
            moved: BTreeSet::new(),
            dropped: BTreeSet::new(),
            written: BTreeMap::new(),
        })
    }

    /// Whether there are snapshots to forget.
    pub(super) fn forgets(&self) -> bool {
        self.snapshots.len() < self.before.snapshots.len()
    }

    /// The published files, for [`super::steps::steps`].
    pub(super) fn known(&self) -> BTreeMap<String, Known> {
        let known = |file: &File| Known { day: file.day, rows: file.rows.unsigned_abs() };
        self.files.iter().map(|(path, file)| (path.clone(), known(file))).collect()
    }

    /// The manifests that `step` takes apart; the records of their files have to be there for [`Draft::apply`].
    pub(super) fn taken_apart(&self, step: &Step) -> BTreeSet<String> {
        let removed = step.removed.iter().filter_map(|path| self.files.get(path));
        let mut names: BTreeSet<String> = removed.map(|file| file.manifest.clone()).collect();
        if self.manifests.len() >= MANIFESTS_MAX {
            let small = |kept: &Kept| kept.content.live_files() < MANIFEST_FILES_MAX as u64 / 2;
            names.extend(self.manifests.iter().filter(|(_, kept)| small(kept)).map(|(name, _)| name.clone()));
        }
        names
    }

    /// The manifests of `names` whose files' records are in the catalog, and not here yet.
    pub(super) fn unread(&self, names: &BTreeSet<String>) -> Vec<String> {
        let unread = |name: &&String| self.files.values().any(|f| f.manifest == **name && !self.entries.contains_key(&f.path));
        names.iter().filter(unread).cloned().collect()
    }

    /// Takes in a file's record.
    pub(super) fn read(&mut self, path: String, entry: Vec<u8>) {
        self.entries.entry(path).or_insert(entry);
    }

    /// Makes a snapshot of a step. The records of added files, and of those in manifests taken apart, must have been read.
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), Error> {
        self.sequence += 1;
        let id = snapshot_id(&self.table.store, self.sequence);
        let taken_apart = self.taken_apart(step);
        let mut entries = self.kept_entries(&taken_apart, step, id)?;
        for file in &step.added {
            let (day, rows) = (file.day, file.rows);
            let data_file = self.entry(&file.path)?;
            entries.push((
                file.path.clone(),
                Entry { status: Status::Added, snapshot: id, sequence: self.sequence, day, rows, data_file },
            ));
            self.files.insert(
                file.path.clone(),
                File {
                    path: file.path.clone(),
                    manifest: String::new(),
                    snapshot: id,
                    sequence: self.sequence,
                    day,
                    rows: signed(rows),
                    bytes: signed(file.bytes),
                },
            );
        }
        let removed: Vec<File> = step.removed.iter().filter_map(|path| self.files.remove(path)).collect();
        // A manifest that only told of removed files has nothing to tell to the snapshots after.
        let stays = |name: &String, kept: &Kept| !taken_apart.contains(name) && kept.content.live_files() > 0;
        self.dropped.extend(self.manifests.iter().filter(|(name, kept)| !stays(name, kept)).map(|(name, _)| name.clone()));
        self.manifests.retain(|name, kept| stays(name, kept));
        self.write_manifests(entries, id);
        self.write_list(step, &removed, id);
        Ok(())
    }

    /// The files of manifests that are taken apart.
    fn kept_entries(&self, taken_apart: &BTreeSet<String>, step: &Step, id: i64) -> Result<Vec<(String, Entry)>, Error> {
        let files = self.files.values().filter(|file| taken_apart.contains(&file.manifest));
        let entry = |file: &File| {
            let removed = step.removed.contains(&file.path);
            let (status, snapshot) = if removed { (Status::Deleted, id) } else { (Status::Existing, file.snapshot) };
            let (day, rows) = (file.day, file.rows.unsigned_abs());
            let entry = Entry { status, snapshot, sequence: file.sequence, day, rows, data_file: self.entry(&file.path)? };
            Ok((file.path.clone(), entry))
        };
        files.map(entry).collect()
    }

    fn entry(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.entries.get(path).cloned().ok_or_else(|| Error::Entry { path: path.to_owned() })
    }

    fn write_manifests(&mut self, mut entries: Vec<(String, Entry)>, id: i64) {
        entries.sort_by(|(path, entry), (other_path, other)| (entry.day, path).cmp(&(other.day, other_path)));
        for (number, chunk) in entries.chunks(MANIFEST_FILES_MAX).enumerate() {
            let name = format!("{id:016x}-m{number}.avro");
            let listed: Vec<Entry> = chunk.iter().map(|(_, entry)| entry.clone()).collect();
            let (bytes, content) = manifest::manifest(self.schema, &listed, sync(&name));
            for (path, entry) in chunk {
                if let (true, Some(file)) = (entry.status != Status::Deleted, self.files.get_mut(path)) {
                    file.manifest.clone_from(&name);
                    self.moved.insert(path.clone());
                }
            }
            let kept = Kept { bytes: bytes.len() as u64, sequence: self.sequence, snapshot: id, content };
            self.manifests.insert(name.clone(), kept);
            self.written.insert(name, bytes);
        }
    }

    fn write_list(&mut self, step: &Step, removed: &[File], id: i64) {
        let parent = self.snapshots.last().map(|snapshot| snapshot.id);
        let name = format!("snap-{id:016x}.avro");
        let listed: Vec<Listed<'_>> = self
            .manifests
            .iter()
            .map(|(name, kept)| Listed {
                uri: self.table.metadata_uri(name),
                bytes: kept.bytes,
                sequence: kept.sequence,
                snapshot: kept.snapshot,
                content: &kept.content,
            })
            .collect();
        let bytes = manifest::list(Head { snapshot: id, parent, sequence: self.sequence }, &listed, sync(&name));
        self.written.insert(name.clone(), bytes);
        // The clock may have gone back; snapshots do not.
        let at_ms = self.now_us.div_euclid(1_000).max(self.snapshots.last().map_or(0, |last| last.at_ms));
        let summary = self.summary(step, removed);
        self.snapshots.push(Snapshot { sequence: self.sequence, id, parent, at_ms, summary, list: name });
    }

    /// Numbers in texts, as the specification wants them.
    fn summary(&self, step: &Step, removed: &[File]) -> String {
        let days: BTreeSet<i32> = step.added.iter().map(|file| file.day).chain(removed.iter().map(|file| file.day)).collect();
        let sum = |numbers: &mut dyn Iterator<Item = i64>| numbers.sum::<i64>().to_string();
        let mut summary = json!({
            "operation": step.operation.as_str(),
            "changed-partition-count": days.len().to_string(),
            "total-data-files": self.files.len().to_string(),
            "total-records": sum(&mut self.files.values().map(|file| file.rows)),
            "total-files-size": sum(&mut self.files.values().map(|file| file.bytes)),
            "total-delete-files": "0",
            "total-position-deletes": "0",
            "total-equality-deletes": "0",
        });
        let mut add = |name: &str, value: String| summary[name] = value.into();
        if !step.added.is_empty() {
            add("added-data-files", step.added.len().to_string());
            add("added-records", step.added.iter().map(|file| file.rows).sum::<u64>().to_string());
            add("added-files-size", step.added.iter().map(|file| file.bytes).sum::<u64>().to_string());
        }
        if !removed.is_empty() {
            add("deleted-data-files", removed.len().to_string());
            add("deleted-records", sum(&mut removed.iter().map(|file| file.rows)));
            add("removed-files-size", sum(&mut removed.iter().map(|file| file.bytes)));
        }
        summary.to_string()
    }

    /// Puts the table's metadata on top, and says what changes.
    pub(super) fn finish(mut self) -> Result<Drafted, Error> {
        let mut table = self.before.table.clone();
        table.version += 1;
        table.sequence = self.sequence;
        table.published_at_us = self.now_us.max(table.published_at_us);
        let name = format!("{:05}-{}.metadata.json", table.version, self.table.store);
        let state =
            State { sequence: self.sequence, updated_at_ms: table.published_at_us.div_euclid(1_000), snapshots: &self.snapshots };
        let metadata = metadata::write(self.table, self.schema, &state)?;
        let superseded = table.metadata.replace(name.clone());
        self.written.insert(name, metadata);
        let after = Published {
            table,
            snapshots: self.snapshots,
            manifests: self.manifests.iter().map(|(name, kept)| manifest_row(name, kept)).collect(),
            files: self.files.into_values().collect(),
        };
        let left = self.dropped.iter().cloned().chain(lists_left(self.before, &after)).chain(superseded);
        let until_us = self.now_us.saturating_add(GRACE_US);
        let leftovers = left.map(|name| Leftover { name, until_us }).collect();
        let change = Change { leftovers, ..change(self.before, &after, &self.moved, &self.entries)? };
        Ok(Drafted { files: self.written, change, after })
    }
}

impl Content {
    /// The files that a snapshot with this manifest has.
    fn live_files(&self) -> u64 {
        self.added_files + self.existing_files
    }
}

/// What is different after a publication, but for what is left over.
fn change(
    before: &Published,
    after: &Published,
    moved: &BTreeSet<String>,
    entries: &HashMap<String, Vec<u8>>,
) -> Result<Change, Error> {
    let names = |published: &Published| -> BTreeSet<String> { published.manifests.iter().map(|m| m.name.clone()).collect() };
    let (manifests, manifests_after) = (names(before), names(after));
    let paths_after: BTreeSet<&str> = after.files.iter().map(|file| file.path.as_str()).collect();
    let files = after.files.iter().filter(|file| moved.contains(&file.path)).map(|file| {
        let entry = entries.get(&file.path).cloned().ok_or_else(|| Error::Entry { path: file.path.clone() })?;
        Ok((file.clone(), entry))
    });
    Ok(Change {
        table: after.table.clone(),
        snapshots: new_snapshots(before, after).to_vec(),
        first_sequence: after.snapshots.first().map_or(0, |snapshot| snapshot.sequence),
        manifests: after.manifests.iter().filter(|manifest| !manifests.contains(&manifest.name)).cloned().collect(),
        manifests_gone: manifests.difference(&manifests_after).cloned().collect(),
        files: files.collect::<Result<_, Error>>()?,
        files_gone: before.files.iter().map(|f| &f.path).filter(|path| !paths_after.contains(path.as_str())).cloned().collect(),
        leftovers: Vec::new(),
    })
}

fn new_snapshots<'a>(before: &Published, after: &'a Published) -> &'a [Snapshot] {
    let new_at = after.snapshots.partition_point(|snapshot| snapshot.sequence <= before.table.sequence);
    after.snapshots.get(new_at..).unwrap_or_default()
}

/// The manifest lists of the snapshots that this publication took the place of.
fn lists_left(before: &Published, after: &Published) -> Vec<String> {
    let new = new_snapshots(before, after);
    let superseded = before.snapshots.last().into_iter().chain(new).take(new.len());
    superseded.map(|snapshot| snapshot.list.clone()).collect()
}

/// The snapshots that were the table at `forget_us` or after.
fn remembered(snapshots: &[Snapshot], forget_us: i64) -> &[Snapshot] {
    let forget_ms = forget_us.div_euclid(1_000);
    let superseded = snapshots.windows(2).take_while(|pair| matches!(pair, [_, next] if next.at_ms < forget_ms)).count();
    snapshots.get(superseded..).unwrap_or_default()
}

fn kept(manifest: &Manifest) -> Result<Kept, Error> {
    let damaged = |error| catalog::Error::damaged(format!("Iceberg manifest {}", manifest.name), error);
    Ok(Kept {
        bytes: manifest.bytes.unsigned_abs(),
        sequence: manifest.sequence,
        snapshot: manifest.snapshot,
        content: serde_json::from_str(&manifest.content).map_err(|error: serde_json::Error| damaged(error))?,
    })
}

fn manifest_row(name: &str, kept: &Kept) -> Manifest {
    Manifest {
        name: name.to_owned(),
        bytes: signed(kept.bytes),
        sequence: kept.sequence,
        snapshot: kept.snapshot,
        content: serde_json::to_string(&kept.content).expect("numbers can be written"),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The id of a table's snapshot: positive, and looking random as readers expect it. The same publication tried again has
/// the same ids.
fn snapshot_id(store: &str, sequence: i64) -> i64 {
    let mut hasher = DefaultHasher::new();
    (store, sequence).hash(&mut hasher);
    (hasher.finish() >> 1).max(1) as i64
}

/// A container's marker between blocks.
fn sync(name: &str) -> [u8; 16] {
    let mut sync = [0; 16];
    for (part, bytes) in sync.chunks_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (name, part).hash(&mut hasher);
        bytes.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    sync
}
