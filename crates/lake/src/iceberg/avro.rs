//! Avro object container files, as far as Iceberg's manifests need them: written whole, uncompressed, with a schema that
//! is known beforehand.
//!
//! Avro 1.11 specification, "Binary Encoding" and "Object Container Files".

/// First bytes of a container.
const MAGIC: &[u8; 4] = b"Obj\x01";
/// Bytes of a block, about: readers hold one in memory.
const BLOCK_BYTES: usize = 64 << 10;

/// A value being encoded: fields one after the other, in the order of the schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// What was encoded.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An int or a long.
    pub(super) fn long(&mut self, value: i64) {
        // Zigzag, then seven bits a byte, the lowest first.
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest > 0x7f {
            self.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// A count.
    pub(super) fn count(&mut self, value: u64) {
        self.long(i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// A boolean.
    pub(super) fn boolean(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// Bytes, or a string.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A string.
    pub(super) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// A value of the union of null and one other type.
    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.long(0),
            Some(value) => {
                self.long(1);
                write(self, value);
            }
        }
    }

    /// An array.
    pub(super) fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.count(items.len() as u64);
            for item in items {
                write(self, item);
            }
        }
        self.long(0);
    }

    /// A value encoded before.
    pub(super) fn encoded(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }
}

/// A container being written.
pub(super) struct Container {
    bytes: Vec<u8>,
    sync: [u8; 16],
    block: Vec<u8>,
    block_values: u64,
}

impl Container {
    /// A container for values of `schema`, with further metadata. `sync` separates blocks; it should differ from file to
    /// file.
    pub(super) fn new(schema: &str, metadata: &[(&str, String)], sync: [u8; 16]) -> Self {
        let mut head = Encoder { bytes: MAGIC.to_vec() };
        let all: Vec<(&str, &str)> = [("avro.schema", schema), ("avro.codec", "null")]
            .into_iter()
            .chain(metadata.iter().map(|(key, value)| (*key, value.as_str())))
            .collect();
        head.array(&all, |head, (key, value)| {
            head.text(key);
            head.text(value);
        });
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&sync);
        Self { bytes, sync, block: Vec::new(), block_values: 0 }
    }

    /// Adds a value.
    pub(super) fn push(&mut self, value: &Encoder) {
        self.block.extend_from_slice(&value.bytes);
        self.block_values += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block();
        }
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end_block();
        self.bytes
    }

    fn end_block(&mut self) {
        if self.block_values == 0 {
            return;
        }
        let mut head = Encoder::default();
        head.count(self.block_values);
        head.bytes(&self.block);
        self.bytes.extend_from_slice(&head.bytes);
        self.bytes.extend_from_slice(&self.sync);
        self.block.clear();
        self.block_values = 0;
    }
}
