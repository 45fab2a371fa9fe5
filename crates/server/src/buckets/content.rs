//! Bytes on their way into and out of files, checked while they pass.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use catalog::objects::Checksum;
use futures_util::{Stream, StreamExt as _};
use s3s::TrailingHeaders;
use s3s::crypto::{Checksum as _, Md5};
use s3s::stream::{ByteStream, RemainingLength};
use tokio::sync::mpsc;

use super::checksum::{Algorithm, Hasher};
use super::error::Error;
use super::files::{Files, Incoming, Placed};

/// Bytes gathered before they go to the disk, and read from it at once.
const BLOCK_BYTES: usize = 256 << 10;
/// Blocks read ahead of a slow reader.
const BLOCKS_AHEAD: usize = 2;
/// The algorithm when the client names none (S3 user guide, "Checking object integrity": CRC64NVME).
const DEFAULT_ALGORITHM: Algorithm = Algorithm::Crc64Nvme;

type StdError = Box<dyn std::error::Error + Send + Sync>;

/// What the bytes must turn out to be.
#[derive(Default)]
pub(super) struct Expected {
    /// Content-MD5.
    pub(super) md5: Option<[u8; 16]>,
    /// The algorithm to check with and keep.
    pub(super) algorithm: Option<Algorithm>,
    /// The value in base64 sent ahead.
    pub(super) value: Option<String>,
    /// Where the value comes after the bytes.
    pub(super) trailers: Option<TrailingHeaders>,
    /// Bytes at most.
    pub(super) bytes_max: u64,
    /// What must stay free on the disk.
    pub(super) free_bytes_min: u64,
}

/// Bytes that are in a file, durable but not yet named by the catalog.
pub(super) struct Received {
    pub(super) placed: Placed,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

impl Received {
    pub(super) fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

/// Writes a stream to a new file and checks it. Nothing stays of it when it fails.
pub(super) async fn receive<S, E>(files: &Arc<Files>, mut body: S, expected: Expected) -> Result<Received, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<StdError>,
{
    let algorithm = expected.algorithm.unwrap_or(DEFAULT_ALGORITHM);
    let mut writing = Writing::begin(files, algorithm, expected.free_bytes_min).await?;
    let mut block = BytesMut::with_capacity(BLOCK_BYTES);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broken_body(&error.into()))?;
        if writing.size + (block.len() + chunk.len()) as u64 > expected.bytes_max {
            return Err(Error::refused("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
        }
        block.extend_from_slice(&chunk);
        if block.len() >= BLOCK_BYTES {
            writing = writing.write(block.split().freeze()).await?;
        }
    }
    writing = writing.write(block.freeze()).await?;
    let (received, incoming) = writing.finish();
    check(&received, &expected)?;
    let placed = blocking(move || incoming.place()).await?;
    Ok(Received { placed, size: received.size, md5: received.md5, checksum: received.checksum })
}

struct Summed {
    size: u64,
    md5: [u8; 16],
    checksum: Checksum,
}

/// A file being written, with its sums so far.
struct Writing {
    files: Arc<Files>,
    free_bytes_min: u64,
    incoming: Incoming,
    size: u64,
    md5: Md5,
    algorithm: Algorithm,
    hasher: Hasher,
}

impl Writing {
    async fn begin(files: &Arc<Files>, algorithm: Algorithm, free_bytes_min: u64) -> Result<Self, Error> {
        let creating = Arc::clone(files);
        let incoming = blocking(move || creating.create()).await?;
        Ok(Self {
            files: Arc::clone(files),
            free_bytes_min,
            incoming,
            size: 0,
            md5: Md5::new(),
            algorithm,
            hasher: Hasher::new(algorithm),
        })
    }

    async fn write(mut self, block: Bytes) -> Result<Self, Error> {
        if block.is_empty() {
            return Ok(self);
        }
        blocking(move || {
            self.put(&block)?;
            Ok(self)
        })
        .await
    }

    fn put(&mut self, block: &[u8]) -> Result<(), Error> {
        let path = self.incoming.path();
        self.files.check_room(self.free_bytes_min)?;
        self.incoming.file().write_all(block).map_err(Error::file(path))?;
        self.md5.update(block);
        self.hasher.update(block);
        self.size += block.len() as u64;
        Ok(())
    }

    fn finish(self) -> (Summed, Incoming) {
        let checksum = Checksum { algorithm: self.algorithm.as_str().to_owned(), value: self.hasher.finish(), composite: false };
        (Summed { size: self.size, md5: self.md5.finalize(), checksum }, self.incoming)
    }
}

fn check(received: &Summed, expected: &Expected) -> Result<(), Error> {
    if expected.md5.is_some_and(|md5| md5 != received.md5) {
        return Err(Error::refused("BadDigest", "The Content-MD5 you specified did not match what we received."));
    }
    let Some(algorithm) = expected.algorithm else { return Ok(()) };
    let trailing = match (&expected.value, &expected.trailers) {
        (None, Some(trailers)) => trailers
            .take()
            .and_then(|headers| headers.get(algorithm.header()).and_then(|value| value.to_str().ok().map(str::to_owned))),
        _ => None,
    };
    if expected.value.is_none() && expected.trailers.is_some() && trailing.is_none() {
        return Err(Error::refused("MalformedTrailerError", "The request contained trailing data that was not well-formed."));
    }
    match expected.value.as_ref().or(trailing.as_ref()) {
        Some(value) if *value != received.checksum.value => {
            let message = format!("The {} you specified did not match the calculated checksum.", algorithm.as_str());
            Err(Error::refused("BadDigest", message))
        }
        _ => Ok(()),
    }
}

/// Why the body of a request broke off. s3s wraps the reason in private types; only their words can be told apart.
pub(super) fn broken_body(error: &StdError) -> Error {
    let words = format!("{error} {error:?}");
    if words.contains("Sha256Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        Error::refused("XAmzContentSHA256Mismatch", message)
    } else if words.contains("SignatureMismatch") {
        Error::refused("SignatureDoesNotMatch", super::error::usual_message("SignatureDoesNotMatch"))
    } else {
        tracing::debug!(%error, "a request's body broke off");
        Error::refused("IncompleteBody", super::error::usual_message("IncompleteBody"))
    }
}

/// Content-MD5 as sent.
pub(super) fn parse_md5(text: &str) -> Result<[u8; 16], Error> {
    let md5 = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    md5.ok_or_else(|| Error::refused("InvalidDigest", "The Content-MD5 you specified was invalid."))
}

/// Opens a file to read; who removes it later does no harm.
pub(super) async fn open(files: &Arc<Files>, number: i64) -> Result<std::fs::File, Error> {
    let files = Arc::clone(files);
    blocking(move || files.read(number)).await
}

/// The bytes of a range of an open file.
pub(super) fn stream(mut file: std::fs::File, range: Range<u64>) -> Reading {
    let length = range.end - range.start;
    let (sender, blocks) = mpsc::channel(BLOCKS_AHEAD);
    tokio::task::spawn_blocking(move || match file.seek(SeekFrom::Start(range.start)) {
        Ok(_) => send_blocks(file, length, &sender),
        // The receiver may be gone; then nobody waits for the error.
        Err(error) => drop(sender.blocking_send(Err(error))),
    });
    Reading { blocks, remaining: length }
}

fn send_blocks(mut file: std::fs::File, mut remaining: u64, blocks: &mpsc::Sender<io::Result<Bytes>>) {
    while remaining > 0 {
        let mut block = vec![0; remaining.min(BLOCK_BYTES as u64) as usize];
        let read = file.read_exact(&mut block).map(|()| Bytes::from(block));
        let failed = read.is_err();
        remaining -= read.as_ref().map_or(0, Bytes::len) as u64;
        if blocks.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

/// The bytes of a file as a stream.
pub(super) struct Reading {
    blocks: mpsc::Receiver<io::Result<Bytes>>,
    remaining: u64,
}

impl Stream for Reading {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.blocks.poll_recv(cx).map(|block| {
            block.map(|block| {
                let block = block?;
                self.remaining -= block.len() as u64;
                Ok(block)
            })
        })
    }
}

impl ByteStream for Reading {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(self.remaining as usize)
    }
}

/// Puts files together to a new one; nothing stays of it when it fails. Returns it with the checksum of its bytes, if
/// an algorithm is asked for.
pub(super) async fn join(
    files: &Arc<Files>,
    numbers: Vec<i64>,
    algorithm: Option<Algorithm>,
    free_bytes_min: u64,
) -> Result<(Placed, Option<String>), Error> {
    let files = Arc::clone(files);
    blocking(move || {
        let mut joined = files.create()?;
        let mut hasher = algorithm.map(Hasher::new);
        for number in numbers {
            files.check_room(free_bytes_min)?;
            append(&mut joined, &files.read(number)?, hasher.as_mut()).map_err(Error::file(files.path(number)))?;
        }
        Ok((joined.place()?, hasher.map(Hasher::finish)))
    })
    .await
}

/// Appends a file; without a hasher the kernel copies, or shares the blocks where the file system can.
fn append(joined: &mut Incoming, part: &std::fs::File, hasher: Option<&mut Hasher>) -> io::Result<()> {
    let mut part = part;
    let Some(hasher) = hasher else {
        return io::copy(&mut part, joined.file()).map(drop);
    };
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = part.read(&mut block)?;
        if read == 0 {
            return Ok(());
        }
        hasher.update(&block[..read]);
        joined.file().write_all(&block[..read])?;
    }
}

/// Runs work that blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.expect("work on files does not panic, and is not aborted")
}
