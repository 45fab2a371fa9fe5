//! Result files: rows as CSV (RFC 4180; lines end with a line feed), gzipped, in files of bounded size.
//!
//! The same rows always give the same bytes, so that a delivery that is begun again puts what is there already.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::results::Row;

/// A file is ended when it has so many bytes, compressed. Own choice, so that a file is put at once from memory; AWS
/// begins another one at 1 TB (lake.md, section 12).
pub(super) const FILE_BYTES_MAX: usize = 32 << 20;

/// A file on its way: `result_1.csv.gz` and so on.
pub(super) struct CsvFile {
    encoder: GzEncoder<Vec<u8>>,
    line: Vec<u8>,
}

impl CsvFile {
    /// A file that begins with the names of the columns.
    pub(super) fn new(columns: &[String]) -> io::Result<Self> {
        // The time in the head of a gzip file stays 0: it is not of the content.
        let encoder = GzBuilder::new().write(Vec::new(), Compression::fast());
        let mut file = Self { encoder, line: Vec::new() };
        file.write(columns.iter().map(|column| Some(column.as_str())))?;
        Ok(file)
    }

    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        self.write(row.iter().map(Option::as_deref))
    }

    fn write<'a>(&mut self, fields: impl Iterator<Item = Option<&'a str>>) -> io::Result<()> {
        self.line.clear();
        for (n, field) in fields.enumerate() {
            if n > 0 {
                self.line.push(b',');
            }
            write_field(&mut self.line, field);
        }
        self.line.push(b'\n');
        self.encoder.write_all(&self.line)
    }

    pub(super) fn is_full(&self) -> bool {
        self.encoder.get_ref().len() >= FILE_BYTES_MAX
    }

    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        self.encoder.finish()
    }
}

/// NULL is an empty field, the empty text a pair of quotes.
fn write_field(line: &mut Vec<u8>, field: Option<&str>) {
    let Some(text) = field else { return };
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut file = CsvFile::new(&["eventName".to_owned(), "_col1".to_owned(), "x,y".to_owned()]).unwrap();
        let text = |text: &str| Some(text.to_owned());
        file.push(&vec![text("Get"), None, text("")]).unwrap();
        file.push(&vec![text("a,b"), text("say \"hi\""), text("two\nlines")]).unwrap();
        let bytes = file.finish().unwrap();
        let mut csv = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut csv).unwrap();
        assert_eq!(csv, "eventName,_col1,\"x,y\"\nGet,,\"\"\n\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n");
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let file = || {
            let mut file = CsvFile::new(&["n".to_owned()]).unwrap();
            (0..1_000).for_each(|n: u32| file.push(&vec![Some(n.to_string())]).unwrap());
            file.finish().unwrap()
        };
        assert_eq!(file(), file());
    }
}
