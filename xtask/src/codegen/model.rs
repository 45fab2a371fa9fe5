//! The stripped service model: the facts of botocore's `service-2.json`, none of its prose.
//!
//! Reading botocore's file into these types and writing them again *is* the stripping: what has no
//! field here is dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize, Serialize)]
pub(super) struct Model {
    /// What the model was made from, for example `botocore 1.44.5`.
    #[serde(default)]
    pub(super) source: String,
    pub(super) metadata: Metadata,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) api_version: String,
    pub(super) endpoint_prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) json_version: Option<String>,
    pub(super) protocol: String,
    pub(super) service_id: String,
    pub(super) signature_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signing_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target_prefix: Option<String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Operation {
    pub(super) http: Http,
    pub(super) input: Reference,
    pub(super) output: Reference,
    #[serde(default)]
    pub(super) errors: Vec<Reference>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) idempotent: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    pub(super) method: String,
    pub(super) request_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) response_code: Option<u16>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Reference {
    pub(super) shape: String,
}

/// A shape of any type; which members are set depends on `kind`.
#[derive(Deserialize, Serialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) required: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) members: Option<Ordered<Member>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) exception: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) deprecated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) shape: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location_name: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) deprecated: bool,
}

impl Model {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a stripped model", path.display()))
    }

    pub(super) fn shape(&self, name: &str) -> Result<&Shape> {
        self.shapes.get(name).with_context(|| format!("the model has no shape {name}"))
    }

    /// The name for which SigV4 signs: botocore falls back to the endpoint's prefix.
    pub(super) fn signing_name(&self) -> &str {
        self.metadata.signing_name.as_deref().unwrap_or(&self.metadata.endpoint_prefix)
    }
}

impl Shape {
    pub(super) fn members(&self) -> &[(String, Member)] {
        self.members.as_ref().map_or(&[], |members| &members.0)
    }

    pub(super) fn requires(&self, member: &str) -> bool {
        self.required.iter().any(|name| name == member)
    }
}

/// The stripped model of a service, as the text to check in.
pub(super) fn strip(wheel: &Path, service: &str) -> Result<String> {
    let path = wheel.join(format!("botocore/data/{service}/service-2.json.gz"));
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    let mut model: Model = serde_json::from_str(&text).with_context(|| format!("{} is no service model", path.display()))?;
    model.source = source(wheel)?;
    Ok(serde_json::to_string_pretty(&model)? + "\n")
}

/// What a wheel is: `botocore 1.44.5`.
pub(super) fn source(wheel: &Path) -> Result<String> {
    let text = fs::read_to_string(wheel.join("botocore/__init__.py"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = ")).context("botocore has no version")?;
    Ok(format!("botocore {}", line.trim_matches(['\'', '"'])))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A JSON object whose order is kept: the order of members is that of AWS's answers and of its error texts.
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Vec<(String, T)>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries(PhantomData)).map(Ordered)
    }
}
