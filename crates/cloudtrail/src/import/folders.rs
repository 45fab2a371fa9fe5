//! Counting the prefixes of a walk: the folders that hold the files it takes.
//!
//! Keys come in order, so that all that lies below a folder comes together: a folder is completed when a key comes that
//! lies elsewhere.

/// The folders found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// Those that may hold more, each inside the one before it.
    open: Vec<String>,
    completed: u64,
}

impl Folders {
    /// Goes on where a walk was.
    pub fn resume(open: Vec<String>, completed: u64) -> Self {
        Self { open, completed }
    }

    /// A file of that key is taken.
    pub fn enter(&mut self, key: &str) {
        let folder = key.rfind('/').map_or("", |slash| &key[..=slash]);
        while self.open.last().is_some_and(|top| !folder.starts_with(top.as_str())) {
            self.open.pop();
            self.completed += 1;
        }
        if self.open.last().is_none_or(|top| top != folder) {
            self.open.push(folder.to_owned());
        }
    }

    /// There is no further key.
    pub fn finish(&mut self) {
        self.completed += self.open.len() as u64;
        self.open.clear();
    }

    /// The folders that may hold more.
    pub fn open(&self) -> &[String] {
        &self.open
    }

    /// How many hold nothing more.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// How many were found.
    pub fn found(&self) -> u64 {
        self.completed + self.open.len() as u64
    }
}
