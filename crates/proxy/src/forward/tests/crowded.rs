use protocols::call::Wanted;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::{Made, Proxy, expect, head, soon};

/// A proxy with this much room for bodies, all of which are wanted.
async fn roomy(room_bytes: usize) -> Proxy {
    Proxy::made(Made { room_bytes, ..Made::default() }, |told| told.wanted = Wanted::Whole { bytes_max: 1_000 }).await
}

async fn connect_from(address: &str, proxy: &Proxy) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    soon(socket.connect(proxy.address)).await.unwrap()
}

fn request(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_client_that_takes_all_the_room_there_is_leaves_some_to_others() {
    let proxy = roomy(1_000).await;
    let mut greedy = connect_from("127.0.0.1", &proxy).await;
    greedy.write_all((request(900) + &"x".repeat(900)).as_bytes()).await.unwrap();
    let answer = head(&mut greedy).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");

    // A body that never comes whole.
    let mut slow = connect_from("127.0.0.1", &proxy).await;
    slow.write_all((request(900) + &"x".repeat(400)).as_bytes()).await.unwrap();
    let mut other = connect_from("127.0.0.2", &proxy).await;
    let sent = request(200) + &"y".repeat(200);
    other.write_all(sent.as_bytes()).await.unwrap();
    let mut upstream = proxy.accept().await;
    expect(&mut upstream, sent.as_bytes()).await;
}

#[tokio::test]
async fn room_is_given_back() {
    let proxy = roomy(1_000).await;
    for _ in 0..5 {
        let sent = request(400) + &"x".repeat(400);
        proxy.unchanged(sent.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    }
}
