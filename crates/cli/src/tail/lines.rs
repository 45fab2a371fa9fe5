//! Lines out of the pieces in which a stream arrives.

/// The longest line: a record is at most 256 KiB (architecture, section 8), with room to spare.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What has come of a line that is not complete.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Takes a piece and calls `each` with every line that it completes.
    pub(super) fn feed(&mut self, piece: &[u8], mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            if self.0.is_empty() {
                each(&rest[..end])?;
            } else {
                self.0.extend_from_slice(&rest[..end]);
                each(&std::mem::take(&mut self.0))?;
            }
            rest = &rest[end + 1..];
        }
        self.0.extend_from_slice(rest);
        anyhow::ensure!(self.0.len() <= LINE_BYTES_MAX, "the server sent a line longer than any record");
        Ok(())
    }
}
