//! Taking text apart into statements: they are separated by `;` outside quotes and comments.

/// The most text that is read at once: hundreds of statements of CloudTrail's 10,000 characters.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;

/// The statements of a text, without what separates them. Pieces of nothing but blanks and comments are none.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut scan = Scan { text, at: 0 };
    while let Some(piece) = scan.piece() {
        if piece.has_words {
            statements.push(piece.text.trim());
        }
    }
    statements
}

/// Whether a text that is being typed is ended: by a `;`, or because there is nothing in it.
pub(super) fn is_complete(text: &str) -> bool {
    let mut scan = Scan { text, at: 0 };
    while let Some(piece) = scan.piece() {
        if piece.has_words && !piece.is_ended {
            return false;
        }
    }
    true
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

struct Piece<'a> {
    text: &'a str,
    has_words: bool,
    is_ended: bool,
}

impl<'a> Scan<'a> {
    /// The text up to the next separator.
    fn piece(&mut self) -> Option<Piece<'a>> {
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        let mut has_words = false;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b';' => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Some(Piece { text, has_words, is_ended: true });
                }
                b'\'' | b'"' | b'`' => {
                    has_words = true;
                    self.pass(1, char::from(*byte).encode_utf8(&mut [0; 4]));
                }
                b'-' if self.text[self.at..].starts_with("--") => self.pass(2, "\n"),
                b'/' if self.text[self.at..].starts_with("/*") => self.pass(2, "*/"),
                byte => {
                    has_words |= !byte.is_ascii_whitespace();
                    self.at += 1;
                }
            }
        }
        Some(Piece { text: &self.text[start..], has_words, is_ended: false })
    }

    /// Goes behind the next `end`; `from` bytes belong to the beginning. A doubled quote is passed as two texts.
    fn pass(&mut self, from: usize, end: &str) {
        let rest = &self.text[self.at + from..];
        self.at = rest.find(end).map_or(self.text.len(), |at| self.at + from + at + end.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_that_are_no_text() {
        assert_eq!(split("SELECT 1"), ["SELECT 1"]);
        assert_eq!(
            split(" CREATE a; SELECT ';''; é' -- ;\n, \";\" /* ; */ ;\n;"),
            ["CREATE a", "SELECT ';''; é' -- ;\n, \";\" /* ; */"]
        );
        assert_eq!(split(" ; -- nothing\n;/* */"), Vec::<&str>::new());
        assert_eq!(split("SELECT 'open ; "), ["SELECT 'open ;"]);
    }

    #[test]
    fn what_is_typed_goes_on_until_it_is_ended() {
        assert!(is_complete("SELECT 1;") && is_complete("") && is_complete("SELECT 1; -- and so on") && is_complete("  \n"));
        assert!(
            !is_complete("SELECT 1")
                && !is_complete("SELECT ';")
                && !is_complete("SELECT 1; SELECT 2")
                && !is_complete("SELECT 1 -- ;")
        );
    }
}
