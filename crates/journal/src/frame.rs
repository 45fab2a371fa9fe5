//! The bytes of a frame: 48 bytes of header, then ledger key, principal, payload. Little-endian, no padding.
//!
//! Header and body have a checksum each, so that a damaged length is told from a file that ends too early. The
//! header's checksum starts from the segment's salt: a payload that imitates a frame is not taken for one.
//!
//! ```text
//!  0 kind u8 | 1 version u8 | 2 origin u8 | 3 zero | 4 ledger_len u16 | 6 principal_len u16 | 8 payload_len u32
//! 12 flags u32 | 16 position u64 | 24 sequence u64 | 32 accepted_at_us i64 | 40 body crc32 | 44 header crc32
//! ```
//!
//! A commit frame closes a group: its position is the group's end, its sequence the number of entries, its payload:
//! `first u64 | start u64 | count u32 | count × (key_len u16, key, root 32 B, size u64) | checksum u32`, where `start`
//! is the group's offset in the segment and `checksum` covers the header checksums of its frames, hence everything.

use bytes::Bytes;
use crc32fast::Hasher;

use crate::{Entry, Frame, Kind, LEDGER_BYTES_MAX, LEDGERS_MAX, PAYLOAD_BYTES_MAX, PRINCIPAL_BYTES_MAX, Position};

#[cfg(test)]
mod tests;

/// Size of a frame's header.
pub(crate) const HEADER_BYTES: usize = 48;
/// Room for a tree root in each row about a ledger; zero until the Merkle ledger exists.
pub(crate) const ROOT_BYTES: usize = 32;
/// Largest payload of a commit frame.
const COMMIT_BYTES_MAX: usize = 24 + LEDGERS_MAX * (2 + LEDGER_BYTES_MAX + ROOT_BYTES + 8);

const VERSION: u8 = 1;
const EVENT: u8 = 1;
const CONTROL: u8 = 2;
const COMMIT: u8 = 3;

/// What a frame's header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// `None` is a commit.
    pub(crate) kind: Option<Kind>,
    pub(crate) position: Position,
    pub(crate) sequence: u64,
    pub(crate) accepted_at_us: i64,
    pub(crate) checksum: u32,
    origin: u8,
    flags: u32,
    ledger_len: usize,
    principal_len: usize,
    payload_len: usize,
    body_checksum: u32,
}

/// Why bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// All is well so far, but this many bytes are needed from the frame's beginning.
    Short(usize),
    /// They never were one, or no longer are.
    Bad(&'static str),
}

/// Where the writer puts an entry.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) position: Position,
    pub(crate) sequence: u64,
    pub(crate) accepted_at_us: i64,
}

/// A ledger's size after a group, or before a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) size: u64,
}

/// What a commit frame says about its group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group<'a> {
    pub(crate) first: Position,
    pub(crate) start: u64,
    pub(crate) rows: Vec<Row<'a>>,
    pub(crate) checksum: u32,
}

/// Appends an entry's frame to `out`; returns its header's checksum for the group's.
pub(crate) fn encode(out: &mut Vec<u8>, salt: u32, place: Place, entry: &Entry) -> u32 {
    let mut body = Hasher::new();
    body.update(&entry.ledger);
    body.update(&entry.principal);
    body.update(&entry.payload);
    let header = Header {
        kind: Some(entry.kind),
        position: place.position,
        sequence: place.sequence,
        accepted_at_us: place.accepted_at_us,
        checksum: 0,
        origin: entry.origin,
        flags: entry.flags,
        ledger_len: entry.ledger.len(),
        principal_len: entry.principal.len(),
        payload_len: entry.payload.len(),
        body_checksum: body.finalize(),
    };
    out.reserve(entry.bytes());
    let checksum = header.encode(out, salt);
    out.extend_from_slice(&entry.ledger);
    out.extend_from_slice(&entry.principal);
    out.extend_from_slice(&entry.payload);
    checksum
}

/// Appends a group's commit frame to `out`.
pub(crate) fn encode_commit(out: &mut Vec<u8>, salt: u32, end: Position, accepted_at_us: i64, group: &Group<'_>) {
    let mut payload = Vec::with_capacity(24 + group.rows.len() * 96);
    payload.extend_from_slice(&group.first.to_le_bytes());
    payload.extend_from_slice(&group.start.to_le_bytes());
    encode_rows(&mut payload, &group.rows);
    payload.extend_from_slice(&group.checksum.to_le_bytes());
    let header = Header {
        kind: None,
        position: end,
        sequence: end - group.first,
        accepted_at_us,
        checksum: 0,
        origin: 0,
        flags: 0,
        ledger_len: 0,
        principal_len: 0,
        payload_len: payload.len(),
        body_checksum: crc32fast::hash(&payload),
    };
    header.encode(out, salt);
    out.extend_from_slice(&payload);
}

/// Appends `count u32 | rows`.
pub(crate) fn encode_rows(out: &mut Vec<u8>, rows: &[Row<'_>]) {
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for row in rows {
        out.extend_from_slice(&(row.key.len() as u16).to_le_bytes());
        out.extend_from_slice(row.key);
        out.extend_from_slice(&[0; ROOT_BYTES]);
        out.extend_from_slice(&row.size.to_le_bytes());
    }
}

impl Header {
    /// Reads the header at the beginning of `bytes`.
    pub(crate) fn parse(bytes: &[u8], salt: u32) -> Result<Self, Fault> {
        let head = bytes.first_chunk::<HEADER_BYTES>().ok_or(Fault::Short(HEADER_BYTES))?;
        let (checked, checksum) = head.split_last_chunk::<4>().expect("a header is longer than its checksum");
        let checksum = u32::from_le_bytes(*checksum);
        if checksum_of(checked, salt) != checksum {
            return Err(Fault::Bad("frame header does not match its checksum"));
        }
        let header = Self::fields(head, checksum).ok_or(Fault::Bad("frame is of a kind or version not known here"))?;
        let payload_max = if header.kind.is_some() { PAYLOAD_BYTES_MAX } else { COMMIT_BYTES_MAX };
        if header.payload_len > payload_max || header.ledger_len > LEDGER_BYTES_MAX || header.principal_len > PRINCIPAL_BYTES_MAX
        {
            return Err(Fault::Bad("frame is larger than the limits"));
        }
        Ok(header)
    }

    /// Size of the whole frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        HEADER_BYTES + self.ledger_len + self.principal_len + self.payload_len
    }

    /// The body's bytes, `bytes` beginning with the header, if they match their checksum.
    pub(crate) fn body<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
        let body = bytes.get(HEADER_BYTES..self.frame_bytes()).ok_or_else(|| Fault::Short(self.frame_bytes()))?;
        if crc32fast::hash(body) == self.body_checksum {
            Ok(body)
        } else {
            Err(Fault::Bad("frame body does not match its checksum"))
        }
    }

    /// The ledger key in a body that [`Header::body`] returned.
    pub(crate) fn ledger<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(..self.ledger_len).unwrap_or_default()
    }

    /// The frame at `at` of a chunk, whose body [`Header::body`] has checked.
    pub(crate) fn frame(&self, kind: Kind, chunk: &Bytes, at: usize) -> Frame {
        let ledger = at + HEADER_BYTES;
        let principal = ledger + self.ledger_len;
        let payload = principal + self.principal_len;
        Frame {
            position: self.position,
            sequence: self.sequence,
            accepted_at_us: self.accepted_at_us,
            kind,
            ledger: chunk.slice(ledger..principal),
            origin: self.origin,
            flags: self.flags,
            principal: chunk.slice(principal..payload),
            payload: chunk.slice(payload..payload + self.payload_len),
        }
    }

    fn encode(&self, out: &mut Vec<u8>, salt: u32) -> u32 {
        let kind = match self.kind {
            Some(Kind::Event) => EVENT,
            Some(Kind::Control) => CONTROL,
            None => COMMIT,
        };
        let mut head = [0; HEADER_BYTES];
        head[0] = kind;
        head[1] = VERSION;
        head[2] = self.origin;
        head[4..6].copy_from_slice(&(self.ledger_len as u16).to_le_bytes());
        head[6..8].copy_from_slice(&(self.principal_len as u16).to_le_bytes());
        head[8..12].copy_from_slice(&(self.payload_len as u32).to_le_bytes());
        head[12..16].copy_from_slice(&self.flags.to_le_bytes());
        head[16..24].copy_from_slice(&self.position.to_le_bytes());
        head[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        head[32..40].copy_from_slice(&self.accepted_at_us.to_le_bytes());
        head[40..44].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = checksum_of(&head[..44], salt);
        head[44..].copy_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&head);
        checksum
    }

    fn fields(head: &[u8], checksum: u32) -> Option<Self> {
        let mut fields = Fields(head);
        let [kind, version, origin, _] = fields.array()?;
        let kind = match kind {
            EVENT => Some(Kind::Event),
            CONTROL => Some(Kind::Control),
            COMMIT => None,
            _ => return None,
        };
        if version != VERSION {
            return None;
        }
        Some(Self {
            kind,
            checksum,
            origin,
            ledger_len: usize::from(fields.u16()?),
            principal_len: usize::from(fields.u16()?),
            payload_len: fields.u32()? as usize,
            flags: fields.u32()?,
            position: fields.u64()?,
            sequence: fields.u64()?,
            accepted_at_us: fields.i64()?,
            body_checksum: fields.u32()?,
        })
    }
}

impl<'a> Group<'a> {
    /// Reads the payload of a commit frame.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Fault> {
        Self::fields(&mut Fields(payload)).ok_or(Fault::Bad("commit is not laid out as one"))
    }

    fn fields(fields: &mut Fields<'a>) -> Option<Self> {
        let group = Self { first: fields.u64()?, start: fields.u64()?, rows: fields.rows()?, checksum: fields.u32()? };
        fields.0.is_empty().then_some(group)
    }
}

/// Whether a commit frame may begin with these two bytes. Cheap, to look for one among garbage.
pub(crate) fn may_be_commit(bytes: &[u8]) -> bool {
    bytes.starts_with(&[COMMIT, VERSION])
}

fn checksum_of(bytes: &[u8], salt: u32) -> u32 {
    let mut hasher = Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

/// Takes fields off the front of a slice.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// What [`encode_rows`] wrote. The count is believed only as far as the bytes reach.
    pub(crate) fn rows(&mut self) -> Option<Vec<Row<'a>>> {
        let count = self.u32()? as usize;
        let mut rows = Vec::with_capacity(count.min(self.0.len() / (2 + ROOT_BYTES + 8)));
        for _ in 0..count {
            let len = usize::from(self.u16()?);
            let (key, rest) = self.0.split_at_checked(len)?;
            self.0 = rest;
            self.array::<ROOT_BYTES>()?;
            rows.push(Row { key, size: self.u64()? });
        }
        Some(rows)
    }
}
