use http::HeaderMap;

use super::{WINDOW_BYTES_MAX, Window};

fn understood(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
}

/// Whether a request is found ambiguous when it comes in pieces of every size.
fn check(request: &[u8], headers: &HeaderMap, has_body: bool, expected: bool) {
    for size in 1..=request.len() {
        let mut window = Window::default();
        request.chunks(size).for_each(|piece| window.came(piece));
        assert_eq!(window.next(headers, has_body), expected, "{} by {size}", request.escape_ascii());
    }
}

#[test]
fn two_lengths_are_ambiguous() {
    let chunked = understood("transfer-encoding", "chunked");
    check(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &chunked, true, true);
    check(b"PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", &chunked, true, true);
    check(b"PUT / HTTP/1.1\nTransfer-Encoding: chunked\nCONTENT-LENGTH: 3\n\n0\r\n\r\n", &chunked, true, true);
}

#[test]
fn one_length_is_not() {
    let chunked = understood("transfer-encoding", "chunked");
    check(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nContent-Length: 3\r\n", &chunked, true, false);
    check(b"\r\n\r\nPUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", &understood("content-length", "3"), true, false);
    check(b"GET / HTTP/1.1\r\n\r\n", &HeaderMap::new(), false, false);
}

#[test]
fn a_head_is_found_behind_the_body_before_it() {
    let mut window = Window::default();
    window.came(b"PUT / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
    assert!(!window.next(&understood("content-length", "6"), true));
    window.came(b"defPUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(window.next(&understood("transfer-encoding", "chunked"), true));
}

#[test]
fn a_head_is_found_behind_one_that_came_with_it() {
    let mut window = Window::default();
    window.came(b"GET / HTTP/1.1\r\n\r\nPUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0");
    assert!(!window.next(&HeaderMap::new(), false));
    assert!(window.next(&understood("transfer-encoding", "chunked"), true));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut window = Window::default();
    for _ in 0..WINDOW_BYTES_MAX {
        window.came(b"ab");
        assert!(window.bytes.len() <= WINDOW_BYTES_MAX);
    }
    assert!(!window.next(&understood("transfer-encoding", "chunked"), true));
}
