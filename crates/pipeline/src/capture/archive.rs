//! Tar archives of log files, read as they arrive.
//!
//! Names are labels only. Nothing is unpacked to disk, and no more than one member is in memory: a member is bounded
//! before it is read, and so are the headers that carry long names, which the tar crate would read whole.

use std::io::{self, Read};

use bytes::Bytes;
use tar::{Archive, Entries, Entry, EntryType};

use super::envelope::{FileError, FileErrorCode, INFLATED_BYTES_MAX, Records, parse_file};

/// The longest name of a member: S3 keys have at most 1,024 bytes (S3 user guide), with room for a prefix.
pub const NAME_BYTES_MAX: u64 = 4096;
/// The most bytes of a header with extended attributes, among them a long name.
const ATTRIBUTES_BYTES_MAX: u64 = 64 << 10;

/// A member of an archive: its name and its records, or why it has none.
#[derive(Debug)]
pub struct Member {
    /// The name it has in the archive.
    pub name: String,
    /// What it holds.
    pub records: Result<Records, FileError>,
}

/// A member that has not been looked into.
#[derive(Debug)]
pub struct Packed {
    /// The name it has in the archive.
    pub name: String,
    /// Its bytes.
    pub content: Result<Bytes, FileError>,
}

impl Packed {
    /// Inflates the member and finds its records.
    pub fn unpack(self) -> Member {
        let records = self.content.and_then(|bytes| parse_file(&self.name, &bytes));
        Member { name: self.name, records }
    }
}

/// Calls `each` with every member of the archive in `reader`, until it says that it wants no more. Directories are passed
/// over. An error means that the archive itself cannot be read on.
pub fn read<R: Read>(reader: R, mut each: impl FnMut(Packed) -> bool) -> io::Result<()> {
    let mut archive = Archive::new(reader);
    let mut long_name = None;
    for entry in entries(&mut archive)? {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::GNULongName => long_name = Some(gnu_name(&mut entry)?),
            EntryType::XHeader => long_name = pax_name(&mut entry)?.or(long_name),
            EntryType::XGlobalHeader => {}
            EntryType::Directory => long_name = None,
            kind => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let name = String::from_utf8_lossy(&name).into_owned();
                let content = content(&name, kind, &mut entry)?;
                if !each(Packed { name, content }) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn entries<R: Read>(archive: &mut Archive<R>) -> io::Result<Entries<'_, R>> {
    Ok(archive.entries()?.raw(true))
}

fn content<R: Read>(name: &str, kind: EntryType, entry: &mut Entry<'_, R>) -> io::Result<Result<Bytes, FileError>> {
    let refused = |code, message: String| Ok(Err(FileError::new(name, code, message)));
    if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
        return refused(FileErrorCode::NotAFile, "only regular files are read".to_owned());
    }
    if entry.size() > INFLATED_BYTES_MAX as u64 {
        return refused(FileErrorCode::TooLarge, format!("it is larger than {} MiB", INFLATED_BYTES_MAX >> 20));
    }
    whole(entry).map(|bytes| Ok(bytes.into()))
}

fn gnu_name<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Vec<u8>> {
    let mut name = limited(entry, NAME_BYTES_MAX, "a name")?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// The name among extended attributes: lines of `LENGTH path=NAME`.
fn pax_name<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Option<Vec<u8>>> {
    let attributes = limited(entry, ATTRIBUTES_BYTES_MAX, "a header")?;
    let mut rest = &attributes[..];
    while !rest.is_empty() {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "an extended header cannot be read");
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(invalid)?;
        let length = std::str::from_utf8(&rest[..space]).ok().and_then(|digits| digits.parse().ok());
        let length: usize = length.filter(|length| (space + 2..=rest.len()).contains(length)).ok_or_else(invalid)?;
        if let Some(name) = rest[space + 1..length - 1].strip_prefix(b"path=") {
            return Ok(Some(name[..name.len().min(NAME_BYTES_MAX as usize)].to_vec()));
        }
        rest = &rest[length..];
    }
    Ok(None)
}

fn limited<R: Read>(entry: &mut Entry<'_, R>, max: u64, what: &str) -> io::Result<Vec<u8>> {
    if entry.size() > max {
        let message = format!("{what} in the archive is larger than {max} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    whole(entry)
}

/// All bytes of an entry, however many the header promises: memory follows what comes.
fn whole<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Vec<u8>> {
    let size = entry.size();
    let mut bytes = Vec::with_capacity(size.min(64 << 10) as usize);
    entry.read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within a member"))
}

#[cfg(test)]
mod tests;
