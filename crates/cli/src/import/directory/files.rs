//! Log files of a folder for whoever reads them here.

use std::ops::ControlFlow;

use cloudtrail::import::{Range, delivered};
use lake::raw_files::{Content, Found};

use super::{Damage, Folder, Step};
use crate::import::source::Reader;

impl Folder {
    /// Hands every log file to the reader that may hold events of the range. Blocks.
    pub(in crate::import) fn find(&self, range: Range, reader: &Reader) {
        let _ = self.walk(&mut |step| {
            match step {
                Step::Files(batch) => {
                    for name in batch.names {
                        if delivered(&name.to_string_lossy()).is_some_and(|span| range.excludes(span)) {
                            reader.progress.pass();
                            continue;
                        }
                        let path = batch.folder.join(name);
                        let found = Found { name: path.display().to_string(), content: Content::Path(path) };
                        if reader.files.blocking_send(Ok(found)).is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                }
                Step::Skipped(..) => {}
                Step::Unreadable(path, error) => {
                    reader.damaged(path.display().to_string(), Damage::new("Unreadable", error));
                }
            }
            ControlFlow::Continue(())
        });
    }
}
