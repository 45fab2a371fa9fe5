//! The tables of federated event data stores for other query engines: an Apache Iceberg REST catalog that can only be
//! read, below `/iceberg/`.
//!
//! [`federation`] keeps the tables published, [`tables`] answers for them, [`keys`] lets engines read the files. Everybody
//! sees the tables of the own account. The OpenAPI document of the Iceberg project (`rest-catalog-open-api.yaml`) says
//! what an answer looks like; errors are [`refusal`]'s.

pub mod federation;
pub mod keys;
mod refusal;
mod tables;

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::front;
use crate::gate;
use crate::listener::{Body, Connection};
use crate::own_calls::Caller;
use crate::service::Service;
use refusal::Refusal;

/// Bytes of a request's body: what engines send along with a change, which is refused.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What the REST catalog is below.
const ROOT: &str = "/iceberg/";
/// Namespaces: CloudTrail's, and the same without a colon for engines that cannot say it.
pub(crate) const NAMESPACES: [&str; 2] = ["aws:cloudtrail", "aws_cloudtrail"];

/// What there is, as the catalog tells clients.
const ENDPOINTS: [&str; 7] = [
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
];

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Config,
    Namespaces,
    Namespace(String),
    Tables(String),
    Table(String, String),
    Credentials(String, String),
    Views(String),
    View(String, String),
    /// Where clients that know no token ask for one.
    Token,
    Nothing,
}

impl Asked {
    fn of(path: &str) -> Self {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> =
            path.strip_prefix(ROOT).unwrap_or_default().trim_end_matches('/').split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["v1", "config"] => Self::Config,
            ["v1", "oauth", "tokens"] => Self::Token,
            ["v1", "namespaces"] => Self::Namespaces,
            ["v1", "namespaces", namespace] => Self::Namespace((*namespace).to_owned()),
            ["v1", "namespaces", namespace, "tables"] => Self::Tables((*namespace).to_owned()),
            ["v1", "namespaces", namespace, "tables", table] => Self::Table((*namespace).to_owned(), (*table).to_owned()),
            ["v1", "namespaces", namespace, "tables", table, "credentials"] => {
                Self::Credentials((*namespace).to_owned(), (*table).to_owned())
            }
            ["v1", "namespaces", namespace, "views"] => Self::Views((*namespace).to_owned()),
            ["v1", "namespaces", namespace, "views", view] => Self::View((*namespace).to_owned(), (*view).to_owned()),
            _ => Self::Nothing,
        }
    }
}

/// Answers a request below `/iceberg/`.
pub async fn answer(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    let answered = attend(service, connection, request).await;
    let mut response = answered.unwrap_or_else(Refusal::into_response);
    if head {
        *response.body_mut() = front::full("");
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
    }
    response
}

async fn attend(service: &Arc<Service>, connection: &Connection, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = front::read_body(body, BODY_BYTES_MAX).await?;
    let asked = Asked::of(parts.uri.path());
    if asked == Asked::Token {
        return Err(Refusal::no_tokens());
    }
    let (principal, region) = gate::reader(service, &parts, &body).await?;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::read_only());
    }
    let caller = Caller::new(&principal, connection, &parts, &service.random_uuid());
    let scope =
        tables::Scope { service, account: principal.account, caller, region, parts: &parts, tls: connection.tls.is_some() };
    match asked {
        Asked::Config => json(&tables::config()),
        Asked::Namespaces => json(&tables::namespaces(&parts)?),
        Asked::Namespace(namespace) => json(&tables::namespace(&namespace)?),
        Asked::Tables(namespace) => json(&scope.list(&namespace).await?),
        Asked::Table(namespace, table) if parts.method == Method::HEAD => {
            scope.find(&namespace, &table).await.map(|_| Response::new(front::full("")))
        }
        Asked::Table(namespace, table) => json(&scope.load(&namespace, &table).await?),
        Asked::Credentials(namespace, table) => json(&scope.credentials(&namespace, &table).await?),
        Asked::Views(namespace) => json(&tables::views(&namespace)?),
        Asked::View(_, view) => Err(Refusal::no_such_view(&view)),
        Asked::Token | Asked::Nothing => Err(Refusal::nothing()),
    }
}

fn json(answer: &impl serde::Serialize) -> Result<Response<Body>, Refusal> {
    let body = serde_json::to_vec(answer).map_err(|error| Refusal::internal(&error))?;
    let mut response = Response::new(front::full(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests;
