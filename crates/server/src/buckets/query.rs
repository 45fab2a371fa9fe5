//! The query of a request's URL.

use http::Uri;
use percent_encoding::percent_decode_str;

/// Names and values, decoded, in order.
pub(super) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let query = uri.query().unwrap_or_default();
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Whether a parameter belongs to the signature or to the SDK, not to the operation.
pub(super) fn is_outside(name: &str) -> bool {
    name.len() > 2 && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
}
