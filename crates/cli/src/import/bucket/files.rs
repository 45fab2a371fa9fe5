//! Log files of a bucket for whoever reads them here: listed without the folders of other days, fetched ahead.

use std::sync::Arc;

use cloudtrail::import::{Range, delivered, untimely};
use futures_util::{StreamExt as _, stream};
use lake::raw_files::{Content, Found as LogFile};
use tokio::sync::{Semaphore, mpsc};

use super::{Bucket, FETCH_KIB_MAX, FETCHES, Found, Mark, PAGES_AHEAD, Unfetched, archive, skip};
use crate::exit::Failure;
use crate::import::source::Reader;

/// The folder below which folders are named by days.
const TREE: &str = "AWSLogs/";

impl Bucket {
    /// Hands every log file to the reader that may hold events of the range.
    pub(in crate::import) async fn find(&self, range: Range, reader: &Reader) -> Result<(), Failure> {
        let (pages, listed) = mpsc::channel(PAGES_AHEAD);
        let (listing, fetching) = tokio::join!(self.list_range(range, pages, reader), self.fetch_each(listed, reader));
        fetching.and(listing)
    }

    async fn list_range(&self, range: Range, pages: mpsc::Sender<Vec<Found>>, reader: &Reader) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(&self.prefix);
            let mut listing = request.set_start_after(after.clone()).into_paginator().send();
            let mut jump: Option<String> = None;
            while let Some(page) = listing.next().await {
                let page = page.map_err(|error| self.unlisted(&error))?;
                let mut found = Vec::new();
                for object in page.contents().iter().filter(|object| skip(object).is_none()) {
                    let key = object.key().unwrap_or_default();
                    if jump.as_deref().is_some_and(|jump| key <= jump) {
                        continue;
                    }
                    if let Some(behind) = behind_day(key, range) {
                        reader.progress.pass_folder();
                        jump = Some(behind);
                        continue;
                    }
                    found.extend(self.timely(key, object, range, reader));
                }
                if pages.send(found).await.is_err() {
                    return Ok(());
                }
                let last = page.contents().last().and_then(|object| object.key());
                // The listing would go on with what is not wanted: another one begins behind it.
                let beyond = jump.as_deref().zip(last).is_some_and(|(jump, last)| jump > last);
                if beyond && page.is_truncated() == Some(true) {
                    break;
                }
                jump = None;
            }
            match jump {
                Some(behind) if after.as_ref() != Some(&behind) => after = Some(behind),
                _ => return Ok(()),
            }
        }
    }

    /// The object, if its name says nothing against it and it is not too large.
    fn timely(&self, key: &str, object: &super::Object, range: Range, reader: &Reader) -> Option<Found> {
        let name = key.rsplit('/').next().unwrap_or_default();
        if delivered(name).is_some_and(|span| range.excludes(span)) {
            reader.progress.pass();
            return None;
        }
        let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        if let Err(damage) = archive::fits(size) {
            reader.damaged(self.url(key), damage);
            return None;
        }
        Some(Found { key: key.to_owned(), size, mark: Mark::of(key.as_bytes(), size, &[]) })
    }

    async fn fetch_each(&self, listed: mpsc::Receiver<Vec<Found>>, reader: &Reader) -> Result<(), Failure> {
        let room = Arc::new(Semaphore::new(FETCH_KIB_MAX as usize));
        let found = stream::unfold(listed, |mut listed| async { listed.recv().await.map(|page| (stream::iter(page), listed)) });
        let fetching = found.flatten().map(|found| self.get(found, Arc::clone(&room)));
        let mut fetched = std::pin::pin!(fetching.buffer_unordered(FETCHES));
        loop {
            let next = tokio::select! {
                // The query is over: what is still on its way would come for nothing.
                () = reader.files.closed() => return Ok(()),
                next = fetched.next() => next,
            };
            let Some((found, content, room)) = next else { return Ok(()) };
            let name = self.url(&found.key);
            match content {
                Ok(bytes) => {
                    let content = Content::Bytes(bytes, Box::new(room));
                    if reader.files.send(Ok(LogFile { name, content })).await.is_err() {
                        return Ok(());
                    }
                }
                Err(Unfetched::Damaged(damage)) => reader.damaged(name, damage),
                Err(Unfetched::Unreachable(reason)) => return Err(Failure::Unreachable(reason)),
            }
        }
    }
}

/// Behind which key to go on if the key's folder, below a trail's tree, is of a day that is not wanted.
fn behind_day(key: &str, range: Range) -> Option<String> {
    let tree = key.find(TREE).filter(|at| *at == 0 || key[..*at].ends_with('/'))?;
    untimely(&key[tree..], range).map(|behind| format!("{}{behind}", &key[..tree]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_other_days_are_jumped_over() {
        let day = 1_772_409_600_000_000; // 2026-03-02
        let range = Range { start_us: Some(day), end_us: Some(day + 3_600_000_000) };
        let key = |day: &str| format!("backup/2020/01/01/AWSLogs/123456789012/CloudTrail/us-east-1/{day}/x.json.gz");
        let behind = behind_day(&key("2026/01/31"), range).unwrap();
        assert!(
            behind.starts_with("backup/2020/01/01/AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/")
                && behind > key("2026/01/31")
        );
        assert!(behind < key("2026/02/01"));
        assert_eq!(behind_day(&key("2026/03/02"), range), None);
        assert_eq!(behind_day("backup/2020/01/01/x.json.gz", range), None);
        assert_eq!(behind_day(&key("2026/01/31"), Range::default()), None);
    }
}
