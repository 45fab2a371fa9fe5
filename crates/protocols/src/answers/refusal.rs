//! A refusal of our own, in the form that the service's clients read.

use http::StatusCode;

use crate::table::Protocol;

/// What the answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The Content-Type.
    pub content_type: &'static str,
    /// Headers besides.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An error in the service's own form. `is_s3`: its XML has a form of its own. Of an unknown protocol it is JSON.
pub fn refusal(
    protocol: Option<Protocol>,
    is_s3: bool,
    status: StatusCode,
    code: &str,
    message: &str,
    request_id: &str,
) -> Refusal {
    let id = |name| vec![(name, request_id.to_owned())];
    let side = if status.is_server_error() { "Receiver" } else { "Sender" };
    let [code_x, message_x, id_x] = [code, message, request_id].map(escaped);
    match protocol {
        _ if is_s3 => {
            let inner = format!("<Code>{code_x}</Code><Message>{message_x}</Message><RequestId>{id_x}</RequestId>");
            xml("application/xml", &format!("<Error>{inner}</Error>"), id("x-amz-request-id"))
        }
        Some(Protocol::Query | Protocol::RestXml) => {
            let error = format!("<Type>{side}</Type><Code>{code_x}</Code><Message>{message_x}</Message>");
            let inner = format!("<Error>{error}</Error><RequestId>{id_x}</RequestId>");
            xml("text/xml", &format!("<ErrorResponse>{inner}</ErrorResponse>"), id("x-amzn-RequestId"))
        }
        Some(Protocol::Ec2) => {
            let error = format!("<Error><Code>{code_x}</Code><Message>{message_x}</Message></Error>");
            let inner = format!("<Errors>{error}</Errors><RequestID>{id_x}</RequestID>");
            xml("text/xml;charset=UTF-8", &format!("<Response>{inner}</Response>"), id("x-amzn-RequestId"))
        }
        Some(Protocol::RpcV2Cbor) => {
            let mut headers = id("x-amzn-RequestId");
            headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
            let mut body = vec![0xa2];
            for text in ["__type", code, "message", message] {
                push_text(&mut body, text);
            }
            Refusal { content_type: "application/cbor", headers, body }
        }
        Some(Protocol::Json10) => json("application/x-amz-json-1.0", code, message, id("x-amzn-RequestId")),
        Some(Protocol::Json11) => json("application/x-amz-json-1.1", code, message, id("x-amzn-RequestId")),
        Some(Protocol::RestJson) | None => {
            let mut headers = id("x-amzn-RequestId");
            headers.push(("x-amzn-ErrorType", code.to_owned()));
            json("application/json", code, message, headers)
        }
    }
}

fn xml(content_type: &'static str, root: &str, headers: Vec<(&'static str, String)>) -> Refusal {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}").into_bytes();
    Refusal { content_type, headers, body }
}

fn json(content_type: &'static str, code: &str, message: &str, headers: Vec<(&'static str, String)>) -> Refusal {
    let body = serde_json::json!({ "__type": code, "message": message }).to_string().into_bytes();
    Refusal { content_type, headers, body }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text of CBOR; longer text than 65,535 bytes is cut, which no message of ours is.
fn push_text(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.push(0x79);
    out.extend((end as u16).to_be_bytes());
    out.extend(text.bytes().take(end));
}

#[cfg(test)]
mod tests;
