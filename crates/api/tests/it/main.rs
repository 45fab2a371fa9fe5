//! The crate as its callers see it: signatures of real clients, signatures of AWS's own signer, every operation.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod botocore;
mod operations;
mod signer;

use http::Request;
use http::request::Parts;

/// A request without body, as a listener hands it over.
fn parts<'a>(method: &str, uri: &str, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(()).expect("test requests are well-formed").into_parts().0
}
