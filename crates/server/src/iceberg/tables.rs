//! What the catalog answers: namespaces, tables, and how to read them.

use std::sync::Arc;

use catalog::event_data_stores::{self, Store};
use catalog::federation::{self, Federation, Status};
use catalog::iceberg;
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use http::header;
use http::request::Parts;
use lake::iceberg::{METADATA_FOLDER, Table};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::keys::Keys;
use super::refusal::Refusal;
use super::{ENDPOINTS, NAMESPACES};
use crate::data_reads;
use crate::own_calls::Caller;
use crate::service::Service;

/// What separates the levels of a namespace in a path (REST catalog, parameter `namespace`).
const LEVEL_SEPARATOR: char = '\u{1f}';

/// What clients are to know of the catalog.
pub(super) fn config() -> Value {
    json!({ "defaults": {}, "overrides": {}, "endpoints": ENDPOINTS })
}

/// The namespaces. They have no further ones below them.
pub(super) fn namespaces(parts: &Parts) -> Result<Value, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let parent = query.split('&').find_map(|pair| pair.strip_prefix("parent=")).filter(|parent| !parent.is_empty());
    let Some(parent) = parent else {
        return Ok(json!({ "namespaces": NAMESPACES.map(|name| [name]) }));
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    // PyIceberg escapes the colon twice here.
    let once = decoded(parent);
    namespace(&once).or_else(|refusal| namespace(&decoded(&once)).map_err(|_| refusal))?;
    Ok(json!({ "namespaces": [] }))
}

/// A namespace.
pub(super) fn namespace(name: &str) -> Result<Value, Refusal> {
    let known = known_namespace(name)?;
    Ok(json!({ "namespace": [known], "properties": { "comment": "Federated CloudTrail event data stores" } }))
}

/// The views of a namespace: none.
pub(super) fn views(namespace: &str) -> Result<Value, Refusal> {
    known_namespace(namespace)?;
    Ok(json!({ "identifiers": [] }))
}

fn known_namespace(name: &str) -> Result<&'static str, Refusal> {
    let found = NAMESPACES.into_iter().find(|known| *known == name);
    found.ok_or_else(|| Refusal::no_such_namespace(&name.replace(LEVEL_SEPARATOR, ".")))
}

/// Who asks, and with what.
pub(super) struct Scope<'a> {
    pub(super) service: &'a Arc<Service>,
    pub(super) account: AccountId,
    pub(super) caller: Caller,
    pub(super) region: Region,
    pub(super) parts: &'a Parts,
    pub(super) tls: bool,
}

/// An answer to loadTable.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Loaded {
    metadata_location: String,
    metadata: Box<RawValue>,
    config: Value,
    storage_credentials: Value,
}

impl Scope<'_> {
    /// The tables of a namespace.
    pub(super) async fn list(&self, namespace: &str) -> Result<Value, Refusal> {
        let namespace = known_namespace(namespace)?;
        let all = federation::all(&self.service.catalog).await?;
        let mine = all.into_iter().filter(|federation| self.may_read(federation));
        let identifiers: Vec<Value> = mine.map(|found| json!({ "namespace": [namespace], "name": found.store })).collect();
        Ok(json!({ "identifiers": identifiers }))
    }

    /// A table's store.
    pub(super) async fn find(&self, namespace: &str, name: &str) -> Result<Store, Refusal> {
        let namespace = known_namespace(namespace)?;
        let unknown = || Refusal::no_such_table(namespace, name);
        let found = federation::find(&self.service.catalog, name).await?;
        let federation = found.filter(|found| self.may_read(found)).ok_or_else(unknown)?;
        event_data_stores::get(&self.service.catalog, &federation.store).await?.ok_or_else(unknown)
    }

    fn may_read(&self, federation: &Federation) -> bool {
        federation.status == Status::Enabled && federation.account == self.account.as_str()
    }

    /// A table as it is published, and how to read it.
    pub(super) async fn load(&self, namespace: &str, name: &str) -> Result<Loaded, Refusal> {
        let store = self.find(namespace, name).await?;
        if !self.service.federations.is_fresh(&store.id) {
            return Err(Refusal::not_yet());
        }
        let table = Table { account: self.account.to_string(), store: store.id.clone(), family: store.settings.family() };
        let published = iceberg::table(&self.service.catalog, &store.id).await?;
        let file = published.metadata.ok_or_else(Refusal::not_yet)?;
        let path = table.folder(&self.service.config.data_dir.join("lake")).join(METADATA_FOLDER).join(&file);
        let metadata = tokio::fs::read_to_string(&path).await.map_err(|error| internal(&path, &error))?;
        let metadata = RawValue::from_string(metadata).map_err(|error| internal(&path, &error))?;
        self.record(&store).await?;
        let keys = self.keys();
        Ok(Loaded {
            metadata_location: table.metadata_uri(&file),
            metadata,
            config: self.reading(&keys),
            storage_credentials: json!([self.credential(&table, &keys)]),
        })
    }

    /// Keys for a table's files.
    pub(super) async fn credentials(&self, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let store = self.find(namespace, name).await?;
        let table = Table { account: self.account.to_string(), store: store.id.clone(), family: store.settings.family() };
        Ok(json!({ "storage-credentials": [self.credential(&table, &self.keys())] }))
    }

    fn keys(&self) -> Keys {
        self.service.lake_keys.make(self.account, self.service.clock.now_s())
    }

    fn credential(&self, table: &Table, keys: &Keys) -> Value {
        json!({ "prefix": table.uri(), "config": self.reading(keys) })
    }

    /// How files are read: the settings that the FileIO of Iceberg's Java and Python libraries have in common, and what
    /// only one of them knows.
    fn reading(&self, keys: &Keys) -> Value {
        json!({
            "s3.endpoint": self.endpoint(),
            "s3.path-style-access": "true",
            "s3.force-virtual-addressing": "false",
            "s3.region": self.region.as_str(),
            "client.region": self.region.as_str(),
            "s3.access-key-id": keys.access_key_id,
            "s3.secret-access-key": keys.secret_access_key,
            "s3.session-token": keys.session_token,
            "s3.session-token-expires-at-ms": keys.expires_at_s.saturating_mul(1_000).to_string(),
        })
    }

    /// This server, by the name by which the client knows it.
    fn endpoint(&self) -> String {
        let host = self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let host = host.or_else(|| self.parts.uri.authority().map(ToString::to_string)).unwrap_or_default();
        format!("{}://{host}", if self.tls { "https" } else { "http" })
    }

    async fn record(&self, store: &Store) -> Result<(), Refusal> {
        let recorded = data_reads::record(self.service, &self.caller, &self.region, store, Value::Null).await;
        recorded.map_err(|error| {
            tracing::warn!(%error, "a table is not given out because that cannot be recorded");
            Refusal::not_yet()
        })
    }
}

fn internal(path: &std::path::Path, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::internal(&format!("{}: {error}", path.display()))
}
