//! Another installation, as far as `/v1/events` goes, that answers as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What one request is answered with.
pub(super) enum Reply {
    /// A status and a body.
    Status(u16, &'static str),
    /// Everything is kept.
    Kept,
    /// The connection ends.
    Dies,
}

/// The head of a request and its lines.
type Request = (String, Vec<String>);

pub(super) struct Remote {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    answered: watch::Receiver<usize>,
}

impl Remote {
    /// Answers the first requests with these replies, and to all others that everything is kept.
    pub(super) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (count, answered) = watch::channel(0);
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                let kept = format!("{{\"accepted\":{}}}", request.1.len());
                seen.lock().unwrap().push(request);
                let reply = match replies.pop_front() {
                    Some(Reply::Status(status, body)) => Some((status, body.to_owned())),
                    Some(Reply::Kept) | None => Some((200, kept)),
                    Some(Reply::Dies) => None,
                };
                if let Some((status, body)) = reply {
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                    stream.write_all((head + &body).as_bytes()).await.unwrap();
                    stream.shutdown().await.unwrap();
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Self { url, requests, answered }
    }

    /// Returns when so many requests were answered.
    pub(super) async fn until(&mut self, count: usize) {
        self.answered.wait_for(|answered| *answered >= count).await.unwrap();
    }

    /// The heads of the requests and their records.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let end = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    let mut body = bytes[end..].to_vec();
    let mut rest = vec![0; announced - body.len()];
    stream.read_exact(&mut rest).await.unwrap();
    body.extend_from_slice(&rest);
    let lines = String::from_utf8(zstd::decode_all(&body[..]).unwrap()).unwrap();
    (head, lines.lines().map(str::to_owned).collect())
}
