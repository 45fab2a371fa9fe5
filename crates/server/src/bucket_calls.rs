//! The records of calls on local buckets, in S3's manner.
//!
//! Calls on buckets are management events: that of a change commits with the change. Calls on objects are data events:
//! they are recorded when something keeps them.

use std::sync::Arc;

use bytes::Bytes;
use cloudtrail::record::s3::{EVENT_SOURCE, Target, Transfer};
use cloudtrail::record::{ApiCall, CallerIdentity, TlsDetails};
use pipeline::route::table::SharedTable;
use serde_json::value::RawValue;

use crate::buckets::called::{Audit, Called, Method};
use crate::own_calls::{Caller, OwnCalls};

/// What the buckets tell their calls to.
pub fn audit(own_calls: &Arc<OwnCalls>, routes: &SharedTable, strict: bool) -> Audit {
    let (ready, record, calls, routes) =
        (Arc::clone(own_calls), Arc::clone(own_calls), Arc::clone(own_calls), Arc::clone(routes));
    Audit {
        ready: Arc::new(move || ready.ready().is_ok()),
        record: Arc::new(move |called| Some(render(&record, called).to_vec())),
        called: Arc::new(move |called| {
            let (own_calls, routes) = (Arc::clone(&calls), Arc::clone(&routes));
            Box::pin(async move { keep(&own_calls, &routes, called, strict).await })
        }),
    }
}

/// Has the record of a call that is over kept, before its answer goes out.
async fn keep(own_calls: &OwnCalls, routes: &SharedTable, called: Called, strict: bool) {
    let kept = if called.recorded {
        own_calls.drain().await.map(drop)
    } else if called.management || routes.load().selects_data() {
        own_calls.keep(called.account, render(own_calls, &called), strict).await
    } else {
        Ok(())
    };
    if let Err(error) = kept {
        tracing::error!(%error, operation = called.operation, "a call on a bucket is not recorded yet");
    }
}

fn render(own_calls: &OwnCalls, called: &Called) -> Bytes {
    let caller = caller(called);
    let parameters: Vec<(&str, &str)> = called.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let target = called.bucket.as_deref().map(|bucket| Target {
        bucket,
        key: called.key.as_deref(),
        key_is_prefix: called.key_is_prefix,
        host: called.host.as_deref(),
        parameters: &parameters,
        owner: called.bucket_owner,
    });
    let transfer = Transfer {
        signature_version: Some("SigV4"),
        authentication_method: Some(match called.method {
            Method::AuthHeader => "AuthHeader",
            Method::QueryString => "QueryString",
        }),
        cipher_suite: caller.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
        id_2: Some(&called.id2),
        bytes_in: called.bytes_in,
        bytes_out: called.bytes_out,
    };
    let call = ApiCall {
        event_time_s: called.at_us.div_euclid(1_000_000),
        event_source: EVENT_SOURCE.to_owned(),
        event_name: called.operation.to_owned(),
        region: called
            .bucket_region
            .as_deref()
            .unwrap_or(&called.region)
            .parse()
            .unwrap_or_else(|_| crate::service::default_region()),
        error: called.error.clone(),
        request_parameters: target.as_ref().and_then(|target| with_documents(target.request_parameters(), called)),
        additional_event_data: Some(transfer.additional_event_data()),
        read_only: called.read_only,
        resources: target.as_ref().map(Target::resources).unwrap_or_default(),
        management: called.management,
        ..own_calls.blank(&caller)
    };
    own_calls.render_call(&caller, call)
}

fn caller(called: &Called) -> Caller {
    Caller {
        account: called.account,
        identity: CallerIdentity::Root { account: called.account, access_key_id: called.access_key.clone() },
        source_ip: called.connection.peer.ip().to_canonical().to_string(),
        user_agent: called.user_agent.as_ref().map(|agent| format!("[{agent}]")),
        tls: called.connection.tls.as_ref().map(|(version, suite)| TlsDetails {
            version: version.clone(),
            cipher_suite: suite.clone(),
            client_provided_host_header: called.host.clone(),
        }),
        request_id: called.request_id.clone(),
    }
}

/// The parameters with the documents of the body among them, by the names S3's records give them.
fn with_documents(parameters: Box<RawValue>, called: &Called) -> Option<Box<RawValue>> {
    if called.documents.is_empty() {
        return Some(parameters);
    }
    let mut text = parameters.get().trim_end_matches('}').to_owned();
    for (name, document) in &called.documents {
        text.extend([",", &serde_json::Value::from(*name).to_string(), ":", &document.to_string()]);
    }
    text.push('}');
    RawValue::from_string(text).ok()
}
