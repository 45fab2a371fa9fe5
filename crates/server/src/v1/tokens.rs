//! `POST /v1/tokens`: makes a bearer token. The token is shown in the answer and never again.

use std::sync::Arc;

use catalog::tokens::{self, Kind, Token};
use cloudtrail::account::AccountId;
use cloudtrail::record::ApiCall;
use http::{Request, Response};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

use super::{Refusal, SMALL_BODY_BYTES_MAX, json};
use crate::listener::{Body, Connection};
use crate::own_calls::Caller;
use crate::service::Service;
use crate::{credentials, front, gate, principals};

/// Letters of a token's secret, 6 random bits each.
const SECRET_LETTERS: usize = 40;
/// Letters of a token's public id.
const ID_LETTERS: usize = 12;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: String,
    #[serde(default)]
    account: Option<AccountId>,
    #[serde(default)]
    adopt: bool,
}

#[derive(Serialize)]
struct Made {
    id: String,
    token: String,
    kind: &'static str,
    account: AccountId,
    adopt: bool,
}

/// Makes a token for the caller's account; the installation's root makes them for every registered one.
pub(super) async fn post(
    service: &Arc<Service>,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = front::read_body(body, SMALL_BODY_BYTES_MAX).await?;
    let now_us = service.clock.now_us();
    let (principal, region) = gate::signed(service, &parts, &body, "cloudtrail", now_us)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| Refusal::malformed(error.to_string()))?;
    let account = wanted.account.unwrap_or(principal.account);
    if account != principal.account && !principal.installation_root {
        return Err(Refusal::forbidden(format!("Only the installation's root makes tokens for {account}.")));
    }
    if !service.accounts.is_registered(account) {
        return Err(Refusal::malformed(format!("{account} is not a registered account.")));
    }
    if wanted.adopt && !principal.installation_root {
        return Err(Refusal::forbidden("Only the installation's root makes tokens that adopt accounts."));
    }
    let kind = match wanted.kind.as_str() {
        "ingest" => Kind::Ingest,
        "read" => Kind::Read,
        "metrics" => Kind::Metrics,
        other => return Err(Refusal::malformed(format!("kind {other:?} is none of ingest, read, metrics"))),
    };
    if wanted.adopt && kind != Kind::Ingest {
        return Err(Refusal::malformed("only an ingest token adopts accounts"));
    }
    service.own_calls.ready().map_err(|error| Refusal::unavailable(&error))?;
    let secret = secret(SECRET_LETTERS)?;
    let token = Token { id: secret_id()?, kind, account: account.to_string(), adopt: wanted.adopt, created_at_us: now_us };
    let made = Made { id: token.id.clone(), token: format!("tk_{secret}"), kind: kind.as_str(), account, adopt: wanted.adopt };
    let caller = Caller::new(&principal, connection, &parts, &service.random_uuid());
    let parameters = serde_json::json!({ "kind": made.kind, "account": account, "adopt": made.adopt });
    let answer = serde_json::json!({ "id": made.id, "token": "HIDDEN_DUE_TO_SECURITY_REASONS" });
    let call = ApiCall {
        event_source: "cloudtrail.amazonaws.com".to_owned(),
        event_name: "CreateToken".to_owned(),
        region,
        request_parameters: serde_json::value::to_raw_value(&parameters).ok(),
        response_elements: serde_json::value::to_raw_value(&answer).ok(),
        read_only: false,
        ..service.own_calls.blank(&caller)
    };
    let record = service.own_calls.render_call(&caller, call);
    let mut tx = service.catalog.begin().await?;
    tokens::insert(&mut tx, &token, &principals::hash(&made.token)).await?;
    catalog::outbox::push(&mut tx, &record).await?;
    tx.commit().await?;
    service.own_calls.drain().await.map_err(|error| Refusal::unavailable(&error))?;
    json(&made)
}

fn secret(letters: usize) -> Result<String, Refusal> {
    let secret = credentials::random_secret(letters).map_err(|error| Refusal::from(crate::control::Failure::internal(error)))?;
    // Letters that need no quoting in a shell or a header.
    Ok(secret.replace('+', "-").replace('/', "_"))
}

fn secret_id() -> Result<String, Refusal> {
    Ok(secret(ID_LETTERS)?.replace(['-', '_'], "0"))
}
