use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Made, Proxy, expect, expect_end, head, soon};
use crate::audit::Ending;
use crate::upstream::Timeouts;

const SHORT: Duration = Duration::from_millis(100);
const GET: &[u8] = b"GET /k HTTP/1.1\r\nHost: a\r\n\r\n";
const DECRYPT: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: TrentService.Decrypt\r\nContent-Length: 2\r\n\r\n{}";

fn answering() -> Timeouts {
    Timeouts { answer: SHORT, ..Timeouts::default() }
}

fn going_on() -> Timeouts {
    Timeouts { idle: SHORT, ..Timeouts::default() }
}

/// The answer to this request: its head and its body.
async fn answer(proxy: &Proxy, request: &[u8]) -> (String, String) {
    let mut client = proxy.connect().await;
    client.write_all(request).await.unwrap();
    let head = head(&mut client).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    soon(client.read_exact(&mut body)).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// The last call was recorded as one that was not answered in time.
async fn recorded(proxy: &mut Proxy, expected: &str) {
    match proxy.record().await.outcome.ending {
        Ending::Failed { status, reason } => {
            assert_eq!((status.unwrap().as_u16(), reason.as_str()), (504, expected));
        }
        other => panic!("{other:?}"),
    }
    assert!(proxy.no_record());
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_told_of_in_the_services_own_form() {
    let mut proxy = Proxy::made(Made { timeouts: answering(), ..Made::default() }, |_| {}).await;
    for (request, kind, expected) in [
        (GET, "application/xml", "<Code>GatewayTimeout</Code>"),
        (DECRYPT, "application/x-amz-json-1.1", r#""__type":"GatewayTimeout""#),
    ] {
        let silent = async {
            let mut upstream = proxy.accept().await;
            expect(&mut upstream, request).await;
            expect_end(&mut upstream).await;
        };
        let ((head, body), ()) = tokio::join!(answer(&proxy, request), silent);
        assert!(head.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{head}");
        assert!(head.contains(&format!("content-type: {kind}\r\n")), "{head}");
        assert!(body.contains(expected), "{body}");
        recorded(&mut proxy, "the upstream took too long to answer").await;
    }
}

#[tokio::test]
async fn an_upstream_that_takes_no_connection_is_a_gateway_timeout() {
    let timeouts = Timeouts { connect: SHORT, ..Timeouts::default() };
    let mut proxy = Proxy::made(Made { scheme: "https", timeouts, ..Made::default() }, |_| {}).await;
    // It does not shake hands.
    let ((head, body), _upstream) = tokio::join!(answer(&proxy, GET), proxy.accept());
    assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
    assert!(body.contains("<Code>GatewayTimeout</Code>"), "{body}");
    recorded(&mut proxy, "the upstream took too long to connect to").await;
}

#[tokio::test]
async fn an_answer_that_does_not_go_on_breaks_off() {
    for answer in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".as_slice(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ] {
        let mut proxy = Proxy::made(Made { timeouts: going_on(), ..Made::default() }, |_| {}).await;
        let (mut client, mut upstream) = proxy.unchanged(GET, answer).await;
        expect_end(&mut client).await;
        expect_end(&mut upstream).await;
        let outcome = proxy.record().await.outcome;
        assert_eq!(outcome.bytes_out, 2);
        match outcome.ending {
            Ending::Failed { status: None, reason } => assert_eq!(reason, "the upstream took too long to go on with its answer"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_held_answer_that_does_not_go_on_is_a_gateway_timeout() {
    let mut proxy = Proxy::made(Made { timeouts: going_on(), ..Made::default() }, |told| told.waits = true).await;
    let beginning = async {
        let mut upstream = proxy.accept().await;
        expect(&mut upstream, GET).await;
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await.unwrap();
        upstream
    };
    let ((head, _), _upstream) = tokio::join!(answer(&proxy, GET), beginning);
    assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
    recorded(&mut proxy, "the upstream took too long to go on with its answer").await;
}
