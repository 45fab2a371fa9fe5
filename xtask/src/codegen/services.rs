//! botocore's models of all services → the table that `crates/protocols` reads.
//!
//! What must stay true: the table holds facts only (what has no field in these types is dropped), and is a function of
//! the wheel alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use protocols::table::file::{self, Table};
use protocols::table::{Heading, Operation, Protocol, Service};
use serde::Deserialize;

use super::model::{Ordered, source};

mod shapes;

/// Where the table lies, from the root of the workspace.
pub(super) const PATH: &str = "crates/protocols/model/services.table";

/// The order in which clients choose among protocols: botocore's.
const CHOICE: [&str; 6] = ["smithy-rpc-v2-cbor", "json", "rest-json", "rest-xml", "query", "ec2"];

/// eventSource where it is not the signing name (CloudTrail's user guide, and the guides of the services).
const EVENT_SOURCES: &[(&str, &str)] = &[
    ("application-autoscaling", "autoscaling"),
    ("iotsecuretunneling", "iotsecuredtunneling"),
    ("marketplace-agreement", "agreement-marketplace"),
    ("marketplace-discovery", "discovery-marketplace"),
    ("meteringmarketplace", "metering-marketplace"),
    ("mq", "amazonmq"),
    ("servicecatalog-appregistry", "servicecatalog-appregistry"),
    ("sso", "sso"),
    ("sso-oidc", "sso"),
];

#[derive(Deserialize)]
struct Model {
    metadata: Metadata,
    operations: BTreeMap<String, ModelOperation>,
    shapes: BTreeMap<String, ModelShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    api_version: String,
    endpoint_prefix: String,
    json_version: Option<String>,
    protocol: String,
    #[serde(default)]
    protocols: Vec<String>,
    service_id: String,
    signing_name: Option<String>,
    target_prefix: Option<String>,
}

#[derive(Deserialize)]
struct ModelOperation {
    http: Http,
    input: Option<Reference>,
    output: Option<Reference>,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    deprecated: bool,
    authtype: Option<String>,
    #[serde(default)]
    auth: Vec<String>,
    endpoint: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    request_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    host_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    shape: String,
    location_name: Option<String>,
    result_wrapper: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as botocore writes them")]
struct ModelShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    required: Vec<String>,
    members: Option<Ordered<ModelMember>>,
    member: Option<Reference>,
    key: Option<Reference>,
    value: Option<Reference>,
    payload: Option<String>,
    location_name: Option<String>,
    timestamp_format: Option<String>,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as botocore writes them")]
struct ModelMember {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
    query_name: Option<String>,
    timestamp_format: Option<String>,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    jsonvalue: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    xml_attribute: bool,
}

/// The table of the newest model of each service in an unpacked botocore wheel.
pub(super) fn build(wheel: &Path) -> Result<Vec<u8>> {
    let data = wheel.join("botocore/data");
    let mut services = Vec::new();
    for folder in folders(&data)? {
        let versions: Vec<PathBuf> =
            folders(&folder)?.into_iter().filter(|version| version.join("service-2.json.gz").is_file()).collect();
        let Some(newest) = versions.last() else { continue };
        let name = folder.file_name().and_then(|name| name.to_str()).context("a folder's name is not UTF-8")?;
        let service = service(name, &read(newest)?).with_context(|| format!("service {name}"))?;
        services.push(service);
    }
    ensure!(!services.is_empty(), "{} holds no services", data.display());
    Ok(file::write(&source(wheel)?, &services)?)
}

/// Says whether the checked-in table can be read, block by block, and agrees with its index. Whether it is what the wheel
/// says needs the wheel.
pub(super) fn check(root: &Path) -> Result<()> {
    let path = root.join(PATH);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = Table::open(bytes.clone())?;
    let services = (0..table.headings().len()).map(|at| Ok(table.read(at)?)).collect::<Result<Vec<Service>>>()?;
    for service in &services {
        service.check().with_context(|| format!("{}: {}", path.display(), service.heading.name))?;
    }
    ensure!(file::write(table.source(), &services)? == bytes, "{} is not what would be written now", path.display());
    eprintln!("codegen: {} holds {} services of {}", path.display(), services.len(), table.source());
    Ok(())
}

/// The folders in a folder, by name.
fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(version: &Path) -> Result<Model> {
    let path = version.join("service-2.json.gz");
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a service model", path.display()))
}

fn service(name: &str, model: &Model) -> Result<Service> {
    let mut shapes = shapes::Shapes::new(&model.shapes);
    let mut operations = Vec::new();
    for (operation, of) in &model.operations {
        let input = of.input.as_ref().map(|reference| shapes.root(reference)).transpose()?;
        let output = of.output.as_ref().map(|reference| shapes.root(reference)).transpose()?;
        operations.push(Operation {
            name: operation.clone(),
            method: of.http.method.clone(),
            uri: of.http.request_uri.clone(),
            input,
            output,
            result_wrapper: of.output.as_ref().and_then(|reference| reference.result_wrapper.clone()),
            read_only: of.readonly.then_some(true),
            unsigned: of.authtype.as_deref() == Some("none") || of.auth.iter().any(|auth| auth == "smithy.api#noAuth"),
            deprecated: of.deprecated,
            host_prefix: of.endpoint.as_ref().and_then(|endpoint| endpoint.host_prefix.clone()),
        });
    }
    Ok(Service { heading: heading(name, &model.metadata)?, operations, shapes: shapes.finish() }.deduplicated())
}

fn heading(name: &str, metadata: &Metadata) -> Result<Heading> {
    let signing_name = metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix).clone();
    let event_source = EVENT_SOURCES.iter().find(|(service, _)| *service == name).map_or(&*signing_name, |(_, source)| source);
    Ok(Heading {
        name: name.to_owned(),
        api_version: metadata.api_version.clone(),
        service_id: metadata.service_id.clone(),
        protocols: protocols_of(metadata)?,
        endpoint_prefix: metadata.endpoint_prefix.clone(),
        event_source: format!("{event_source}.amazonaws.com"),
        signing_name,
        target_prefix: metadata.target_prefix.clone(),
    })
}

fn protocols_of(metadata: &Metadata) -> Result<Vec<Protocol>> {
    let mut names: Vec<&str> = metadata.protocols.iter().map(String::as_str).collect();
    names.push(&metadata.protocol);
    let chosen = CHOICE.iter().filter(|choice| names.contains(choice));
    let protocols: Vec<Protocol> = chosen
        .map(|choice| match (*choice, metadata.json_version.as_deref()) {
            ("smithy-rpc-v2-cbor", _) => Protocol::RpcV2Cbor,
            ("json", Some("1.1")) => Protocol::Json11,
            ("json", _) => Protocol::Json10,
            ("rest-json", _) => Protocol::RestJson,
            ("rest-xml", _) => Protocol::RestXml,
            ("query", _) => Protocol::Query,
            _ => Protocol::Ec2,
        })
        .collect();
    ensure!(!protocols.is_empty(), "no known protocol: {names:?}");
    Ok(protocols)
}

#[cfg(test)]
mod tests;
