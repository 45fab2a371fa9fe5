//! Uploads by browsers: the fields of a posted form, which stand before its file (S3 user guide, "Browser-based uploads
//! using POST": what is behind the file is ignored).
//!
//! A form is read piece by piece, and no farther than to where its file begins: the file may be as large as an object.

use bytes::BytesMut;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The longest field that is looked at, and the longest head of one; a policy's own limit is 20 KB (S3 user guide, "POST
/// policy").
const FIELD_BYTES_MAX: usize = 32 * 1024;
/// The most fields that are looked at. Own choice.
const FIELDS_MAX: usize = 100;
/// The longest boundary of a form (RFC 2046, 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// The field that is the file.
const FILE: &str = "file";

/// A form that is being read.
pub struct Form {
    /// What stands before each field.
    delimiter: Vec<u8>,
    unread: BytesMut,
    /// Bytes at the beginning of what is unread in which the next end is not.
    searched: usize,
    at: At,
    fields: Vec<(String, String)>,
}

/// What comes next.
enum At {
    /// The first delimiter.
    Beginning,
    /// The head of a field, or the form's end.
    Head,
    /// The value of this field.
    Value(String),
    /// The file, or nothing.
    End,
    /// Something that is no field, or is too large for one.
    Nonsense,
}

impl Form {
    /// The form that a request with this head brings; none if it is no form.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return None;
        }
        let at = content_type.to_ascii_lowercase().find("boundary=")?;
        let boundary = content_type.get(at + "boundary=".len()..)?.split(';').next()?.trim().trim_matches('"');
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let form = Self { delimiter, unread: BytesMut::new(), searched: 0, at: At::Beginning, fields: Vec::new() };
        (boundary.len() <= BOUNDARY_BYTES_MAX).then_some(form)
    }

    /// Reads a further piece of the form; whether there is no more to be read of it.
    pub fn read(&mut self, piece: &[u8]) -> bool {
        if !self.is_over() {
            self.unread.extend_from_slice(piece);
            while !self.is_over() && self.advance() {}
        }
        self.is_over()
    }

    /// Whether all its fields are known: it was read up to its file, or its end.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// The fields that were read.
    pub(crate) fn into_fields(self) -> Vec<(String, String)> {
        self.fields
    }

    fn is_over(&self) -> bool {
        matches!(self.at, At::End | At::Nonsense)
    }

    /// Whether it got any further.
    fn advance(&mut self) -> bool {
        match std::mem::replace(&mut self.at, At::Nonsense) {
            At::Beginning => {
                let Some(_) = self.take_to(2) else { return self.stay(At::Beginning) };
                self.at = At::Head;
            }
            At::Head => match self.unread.get(..2) {
                None => return self.stay(At::Head),
                Some(b"--") => self.at = At::End,
                Some(b"\r\n") => {
                    let Some(head) = self.take_head() else { return self.stay(At::Head) };
                    self.at = self.after(&head);
                }
                Some(_) => {}
            },
            At::Value(name) => {
                let Some(value) = self.take_to(0) else { return self.stay(At::Value(name)) };
                self.fields.push((name, String::from_utf8_lossy(&value).into_owned()));
                self.at = At::Head;
            }
            over => self.at = over,
        }
        true
    }

    /// Waits for more, unless there is too much already.
    fn stay(&mut self, at: At) -> bool {
        if self.unread.len() <= FIELD_BYTES_MAX + self.delimiter.len() {
            self.at = at;
        }
        false
    }

    /// What comes after the head of a field.
    fn after(&self, head: &[u8]) -> At {
        match named(head) {
            Some((name, _)) if name.eq_ignore_ascii_case(FILE) => At::End,
            // Whether a service takes a file of another name for a field, is its secret.
            Some((name, false)) if self.fields.len() < FIELDS_MAX => At::Value(name),
            _ => At::Nonsense,
        }
    }

    /// Up to the next delimiter, of which so many bytes may be missing at its beginning.
    fn take_to(&mut self, but: usize) -> Option<BytesMut> {
        let end = self.delimiter.get(but..)?;
        let found = position(&self.unread, end, self.searched);
        self.take(found, end.len())
    }

    /// Up to the empty line after the head of a field.
    fn take_head(&mut self) -> Option<BytesMut> {
        const END: &[u8] = b"\r\n\r\n";
        let found = position(&self.unread, END, self.searched);
        self.take(found, END.len())
    }

    fn take(&mut self, found: Option<usize>, end: usize) -> Option<BytesMut> {
        let Some(at) = found.filter(|at| *at <= FIELD_BYTES_MAX) else {
            self.searched = (self.unread.len() + 1).saturating_sub(end);
            return None;
        };
        let taken = self.unread.split_to(at);
        drop(self.unread.split_to(end));
        self.searched = 0;
        Some(taken)
    }
}

/// The fields of a form, as far as its body is at hand.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Option<Form> {
    let mut form = Form::of(headers)?;
    form.read(body);
    Some(form)
}

/// The name of a field, and whether it is a file, by its head.
fn named(head: &[u8]) -> Option<(String, bool)> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let parameter = |name: &str| {
        let found = disposition.split(';').find_map(|piece| piece.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(found.trim_matches('"').to_owned())
    };
    Some((parameter("name")?, parameter("filename").is_some()))
}

fn position(within: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = within.get(from..)?;
    rest.windows(what.len().max(1)).position(|window| window == what).map(|at| from + at)
}

#[cfg(test)]
mod tests;
