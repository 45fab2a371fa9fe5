//! Calls through a proxy, byte by byte: a raw client on one side, a raw upstream on the other, and a record.

mod broken;
mod crowded;
mod exact;
mod http2;
mod large;
mod late;
mod refused;
mod waiting;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, request};
use protocols::call::{Body, Wanted};
use protocols::table::Protocol;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Forwarder, Recording};
use crate::audit::{Client, Ending, Outcome, Refusal};
use crate::listener::{Front, serve};
use crate::upstream::{Timeouts, Upstream};

/// Records in memory, and does as it is told.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) wanted: Wanted,
    pub(crate) answer_wanted: Wanted,
    pub(crate) waits: bool,
    pub(crate) refuses_calls: bool,
    pub(crate) refuses_ends: bool,
    records: mpsc::UnboundedSender<Record>,
    /// Ends return when this is true.
    recorded: watch::Receiver<bool>,
}

/// What was recorded of a call.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) client: Client,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) outcome: Outcome,
}

pub(crate) struct Begun {
    told: Told,
    client: Client,
    head: (String, HeaderMap),
}

pub(crate) struct Admitted {
    begun: Begun,
    body: Option<Bytes>,
}

fn refusal(begun: &Begun) -> Refusal {
    let (protocol, event_source) = Told::form(begun);
    Refusal { reason: "told so".to_owned(), retry_after_s: 7, protocol, event_source: event_source.to_owned() }
}

impl Recording for Told {
    type Begun = Begun;
    type Admitted = Admitted;

    fn begin(&self, client: &Client, head: &request::Parts) -> Begun {
        Begun { told: self.clone(), client: client.clone(), head: (head.uri.to_string(), head.headers.clone()) }
    }

    fn wanted(begun: &Begun) -> Wanted {
        begun.told.wanted
    }

    fn form(begun: &Begun) -> (Option<Protocol>, &str) {
        match begun.head.1.get("x-amz-target") {
            Some(_) => (Some(Protocol::Json11), "kms.amazonaws.com"),
            None => (None, ""),
        }
    }

    fn may_record(_begun: &Begun) -> bool {
        true
    }

    async fn admit(begun: Begun, body: Body) -> Result<Admitted, Refusal> {
        tokio::task::yield_now().await;
        if begun.told.refuses_calls { Err(refusal(&begun)) } else { Ok(Admitted { begun, body: body.whole }) }
    }

    fn answer_waits(admitted: &Admitted) -> bool {
        admitted.begun.told.waits
    }

    fn answer_wanted(admitted: &Admitted, _status: StatusCode, _headers: &HeaderMap) -> Wanted {
        admitted.begun.told.answer_wanted
    }

    async fn end(admitted: Admitted, outcome: Outcome) -> Result<(), Refusal> {
        let refusal = refusal(&admitted.begun);
        let Begun { mut told, client, head: (target, headers) } = admitted.begun;
        drop(told.records.send(Record { client, target, headers, body: admitted.body, outcome }));
        drop(told.recorded.wait_for(|recorded| *recorded).await);
        if told.refuses_ends { Err(refusal) } else { Ok(()) }
    }
}

/// A proxy under test, and the upstream behind it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) upstream: TcpListener,
    records: mpsc::UnboundedReceiver<Record>,
    pub(crate) recorded: watch::Sender<bool>,
    stop: Option<DropGuard>,
    serving: JoinHandle<()>,
}

/// What a proxy under test is made of.
struct Made<'a> {
    scheme: &'a str,
    ca: Option<&'a Path>,
    front: Front,
    timeouts: Timeouts,
    room_bytes: usize,
}

impl Default for Made<'_> {
    fn default() -> Self {
        let room_bytes = super::reading::BYTES_MAX;
        Self { scheme: "http", ca: None, front: Front::default(), timeouts: Timeouts::default(), room_bytes }
    }
}

impl Proxy {
    pub(crate) async fn new() -> Self {
        Self::told(|_| {}).await
    }

    pub(crate) async fn told(how: impl FnOnce(&mut Told)) -> Self {
        Self::with_front(Front::default(), how).await
    }

    pub(crate) async fn with_front(front: Front, how: impl FnOnce(&mut Told)) -> Self {
        Self::made(Made { front, ..Made::default() }, how).await
    }

    /// A proxy before an upstream that speaks `scheme` and has a certificate of `ca`.
    pub(crate) async fn before(scheme: &str, ca: Option<&Path>, front: Front, how: impl FnOnce(&mut Told)) -> Self {
        Self::made(Made { scheme, ca, front, ..Made::default() }, how).await
    }

    async fn made(made: Made<'_>, how: impl FnOnce(&mut Told)) -> Self {
        let Made { scheme, ca, front, timeouts, room_bytes } = made;
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", upstream.local_addr().unwrap()).parse().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (records_in, records) = mpsc::unbounded_channel();
        let (recorded, recorded_seen) = watch::channel(true);
        let mut told = Told {
            wanted: Wanted::Nothing,
            answer_wanted: Wanted::Nothing,
            waits: false,
            refuses_calls: false,
            refuses_ends: false,
            records: records_in,
            recorded: recorded_seen,
        };
        how(&mut told);
        let address = socket.local_addr().unwrap();
        let stop = CancellationToken::new();
        let forwarder = Forwarder::with_room(told, Upstream::new(&url, ca, timeouts).unwrap(), room_bytes);
        let serving = tokio::spawn(serve(socket, front, forwarder, stop.clone()));
        Self { address, upstream, records, recorded, stop: Some(stop.drop_guard()), serving }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        soon(self.upstream.accept()).await.unwrap().0
    }

    /// The next record.
    pub(crate) async fn record(&mut self) -> Record {
        soon(self.records.recv()).await.unwrap()
    }

    pub(crate) fn no_record(&mut self) -> bool {
        self.records.try_recv().is_err()
    }

    /// Asks for a stop.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    /// Returns when it serves no more.
    pub(crate) async fn stopped(self) {
        soon(self.serving).await.unwrap();
    }

    /// Sends what is to arrive at the upstream unchanged, and back; returns both ends.
    pub(crate) async fn unchanged(&self, request: &[u8], answer: &[u8]) -> (TcpStream, TcpStream) {
        self.exchange(request, request, answer, answer).await
    }

    /// Sends a request and expects something at the upstream; sends an answer and expects something at the client.
    async fn exchange(&self, request: &[u8], arriving: &[u8], answer: &[u8], returning: &[u8]) -> (TcpStream, TcpStream) {
        let mut client = self.connect().await;
        client.write_all(request).await.unwrap();
        let mut upstream = self.accept().await;
        expect(&mut upstream, arriving).await;
        upstream.write_all(answer).await.unwrap();
        expect(&mut client, returning).await;
        (client, upstream)
    }

    /// Sends a request that is not to reach the upstream; returns the answer, after which the connection ends.
    pub(crate) async fn refused(&self, request: &[u8]) -> String {
        let mut client = self.connect().await;
        // The rest may not be taken any more.
        drop(client.write_all(request).await);
        let mut answer = Vec::new();
        soon(client.read_to_end(&mut answer)).await.unwrap();
        let nobody = tokio::time::timeout(Duration::ZERO, self.upstream.accept()).await;
        assert!(nobody.is_err(), "{} reached the upstream", request.escape_ascii());
        String::from_utf8(answer).unwrap()
    }
}

/// Fails where it would wait for ever.
pub(crate) async fn soon<F: Future>(waiting: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes soon")
}

/// Reads exactly these bytes.
pub(crate) async fn expect(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    let mut read = 0;
    while read < bytes.len() && bytes[..read] == expected[..read] {
        match soon(stream.read(&mut bytes[read..])).await {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    assert_eq!(bytes[..read].escape_ascii().to_string(), expected.escape_ascii().to_string());
}

/// Reads up to the end of a head.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(soon(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

/// The connection ends, and nothing comes before.
pub(crate) async fn expect_end(stream: &mut (impl AsyncRead + Unpin)) {
    let mut byte = [0];
    match soon(stream.read(&mut byte)).await {
        Ok(0) | Err(_) => {}
        Ok(_) => panic!("{} comes instead of the end", byte.escape_ascii()),
    }
}

/// The status of an answered call, and its body.
pub(crate) fn answered(record: Record) -> (u16, Option<Bytes>, u64, u64) {
    match record.outcome.ending {
        Ending::Answered { head, body } => (head.status.as_u16(), body.whole, record.outcome.bytes_in, record.outcome.bytes_out),
        other => panic!("{other:?} instead of an answer"),
    }
}
