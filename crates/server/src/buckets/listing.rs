//! Listings: a page of keys and common prefixes, found by scanning ranges of the key index.
//!
//! Keys below a common prefix are skipped by going on behind them, so what a page costs grows with the page.

use catalog::Catalog;
use catalog::objects::{self, KeyRange, Listed};
use catalog::uploads::{self, Upload};

use super::error::Error;

/// Rows read after keys were skipped: as long as there is something to skip, more would be read in vain.
const ROWS_AFTER_SKIP: u32 = 8;
const ROWS_MAX: u32 = 1_001;

/// What to list.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) prefix: String,
    pub(super) delimiter: Option<String>,
    /// The last key or common prefix of the page before.
    pub(super) after: Option<String>,
    pub(super) limit: u32,
}

/// An entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry<T> {
    Item(T),
    /// What several keys begin with, delimiter included.
    CommonPrefix(String),
}

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<Entry<T>>,
    /// Whether there is more.
    pub(super) truncated: bool,
}

impl<T> Page<T> {
    /// The items and the common prefixes, each in order.
    pub(super) fn split(self) -> (Vec<T>, Vec<String>) {
        let (mut items, mut prefixes) = (Vec::new(), Vec::new());
        for entry in self.entries {
            match entry {
                Entry::Item(item) => items.push(item),
                Entry::CommonPrefix(prefix) => prefixes.push(prefix),
            }
        }
        (items, prefixes)
    }
}

impl Query {
    /// The range that a page begins with.
    fn range(&self) -> KeyRange {
        let until = after_all(&self.prefix);
        let from = match &self.after {
            Some(after) if self.common_prefix(after) == Some(after.as_str()) => after_all(after),
            Some(after) => next(after),
            None => Vec::new(),
        };
        KeyRange { from: from.max(self.prefix.as_bytes().to_vec()), until }
    }

    /// A page of objects that are all at hand, in the order of their keys.
    pub(super) fn page(&self, objects: Vec<Listed>) -> Page<Listed> {
        let mut page = Page { entries: Vec::new(), truncated: false };
        let mut range = self.range();
        for object in objects {
            let key = object.key.as_bytes();
            if key < range.from.as_slice() || key >= range.until.as_slice() || self.limit == 0 {
                continue;
            }
            if page.entries.len() == self.limit as usize {
                page.truncated = true;
                break;
            }
            if let Some(prefix) = self.common_prefix(&object.key) {
                range.from = after_all(prefix);
                page.entries.push(Entry::CommonPrefix(prefix.to_owned()));
            } else {
                page.entries.push(Entry::Item(object));
            }
        }
        page
    }

    /// What a key is listed under instead of itself.
    fn common_prefix<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }
}

/// The first key after `key`.
fn next(key: &str) -> Vec<u8> {
    [key.as_bytes(), &[0]].concat()
}

/// The first key after all that begin with `prefix`. UTF-8 has no byte 0xff, so the last byte can always be raised.
fn after_all(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    match bytes.last_mut() {
        Some(last) => *last += 1,
        None => bytes.push(0xff),
    }
    bytes
}

/// A page of a bucket's objects.
pub(super) async fn objects(catalog: &Catalog, bucket: &str, query: &Query) -> Result<Page<Listed>, Error> {
    let mut page = Page { entries: Vec::new(), truncated: false };
    let mut range = query.range();
    let mut rows = query.limit.saturating_add(1).min(ROWS_MAX);
    while range.from < range.until && query.limit > 0 {
        let batch = objects::range(catalog, bucket, &range, rows).await?;
        let complete = batch.len() < rows as usize;
        let mut skipped = false;
        for object in batch {
            if object.key.as_bytes() < range.from.as_slice() {
                continue;
            }
            if page.entries.len() == query.limit as usize {
                page.truncated = true;
                return Ok(page);
            }
            if let Some(prefix) = query.common_prefix(&object.key) {
                range.from = after_all(prefix);
                skipped = true;
                page.entries.push(Entry::CommonPrefix(prefix.to_owned()));
            } else {
                range.from = next(&object.key);
                page.entries.push(Entry::Item(object));
            }
        }
        if complete {
            break;
        }
        rows = if skipped { ROWS_AFTER_SKIP } else { (rows * 2).min(ROWS_MAX) };
    }
    Ok(page)
}

/// A page of a bucket's uploads. With `after_id` the page before ended with that upload of the key `query.after`.
pub(super) async fn uploads(
    catalog: &Catalog,
    bucket: &str,
    query: &Query,
    mut after_id: Option<String>,
) -> Result<Page<Upload>, Error> {
    let mut page = Page { entries: Vec::new(), truncated: false };
    let mut range = query.range();
    if let (Some(_), Some(key)) = (&after_id, &query.after) {
        range.from = key.as_bytes().to_vec();
    }
    while range.from < range.until && query.limit > 0 {
        let batch = uploads::range(catalog, bucket, &range, after_id.as_deref(), ROWS_MAX).await?;
        let complete = batch.len() < ROWS_MAX as usize;
        for upload in batch {
            if upload.key.as_bytes() < range.from.as_slice() {
                continue;
            }
            if page.entries.len() == query.limit as usize {
                page.truncated = true;
                return Ok(page);
            }
            if let Some(prefix) = query.common_prefix(&upload.key) {
                (range.from, after_id) = (after_all(prefix), None);
                page.entries.push(Entry::CommonPrefix(prefix.to_owned()));
            } else {
                (range.from, after_id) = (upload.key.as_bytes().to_vec(), Some(upload.id.clone()));
                page.entries.push(Entry::Item(upload));
            }
        }
        if complete {
            break;
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
