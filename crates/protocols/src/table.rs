//! The table of services: what the models of all AWS services say about how they are called, and nothing else.
//!
//! `cargo xtask codegen --from-botocore` makes it of botocore's models. It is one file: an index, and a compressed block
//! for each service, which is read when the service is first called.

use serde::{Deserialize, Serialize};

pub mod file;

mod shapes;

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// Forms in, XML out.
    Query,
    /// EC2's kind of forms.
    Ec2,
    /// JSON with paths and headers.
    RestJson,
    /// XML with paths and headers.
    RestXml,
    /// Smithy RPC v2 with CBOR.
    RpcV2Cbor,
}

/// A line of the index: all that is needed to tell which service a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The name of the model's folder: `s3`, `ec2`, `elbv2`.
    pub name: String,
    /// `2006-03-01`.
    pub api_version: String,
    /// `S3`, as Smithy has it.
    pub service_id: String,
    /// The protocols it speaks, its clients' choice first.
    pub protocols: Vec<Protocol>,
    /// The first label of its host names.
    pub endpoint_prefix: String,
    /// What signatures call it.
    pub signing_name: String,
    /// What stands before the dot of `X-Amz-Target`; with RPC v2 the service in the path.
    pub target_prefix: Option<String>,
    /// eventSource of its records: `ec2.amazonaws.com`.
    pub event_source: String,
}

/// A service, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its line in the index.
    pub heading: Heading,
    /// Its operations, by name.
    pub operations: Vec<Operation>,
    /// The shapes that they use.
    pub shapes: Vec<Shape>,
}

/// The place of a shape in [`Service::shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShapeId(pub u32);

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name in the API.
    pub name: String,
    /// `GET`.
    pub method: String,
    /// `/{Bucket}/{Key+}?uploads`.
    pub uri: String,
    /// The structure that goes in.
    pub input: Option<ShapeId>,
    /// The structure that comes out.
    pub output: Option<ShapeId>,
    /// The member of the output that wraps it (`resultWrapper` of the query protocol).
    pub result_wrapper: Option<String>,
    /// Whether the model calls it read-only; most models do not say.
    pub read_only: Option<bool>,
    /// Whether it needs no signature.
    pub unsigned: bool,
    /// Whether another one took its place.
    pub deprecated: bool,
    /// What its host names begin with (`{AccountId}.`).
    pub host_prefix: Option<String>,
}

/// A shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What it is.
    pub kind: ShapeKind,
    /// Its values are secrets.
    pub sensitive: bool,
}

/// What a shape is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShapeKind {
    /// Members by name.
    Structure {
        /// In the model's order.
        members: Vec<Member>,
        /// The member that is the whole body, by its place in `members`.
        payload: Option<u16>,
        /// At most one member is there.
        union: bool,
        /// The name of its element where it is an XML document.
        element: Option<String>,
    },
    /// A list.
    List {
        /// Of what.
        of: ShapeId,
        /// The name of an element; `member` without one.
        element: Option<String>,
        /// Elements stand in place of the list.
        flattened: bool,
    },
    /// A map.
    Map {
        /// Of what, the keys being strings.
        of: ShapeId,
        /// Names of an entry's key and value; `key` and `value` without.
        names: Option<(String, String)>,
        /// Entries stand in place of the map.
        flattened: bool,
    },
    /// Text.
    String,
    /// Bytes.
    Blob {
        /// They are streamed.
        streaming: bool,
    },
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// An instant.
    Timestamp {
        /// `iso8601`, `rfc822`, `unixTimestamp`; the protocol's own without one.
        format: Option<String>,
    },
    /// Any JSON.
    Document,
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of the models, and they go together in any way")]
pub struct Member {
    /// Its name in the API.
    pub name: String,
    /// Its shape.
    pub shape: ShapeId,
    /// Where it stands.
    pub place: Place,
    /// `locationName`: what it is called there; its name without one.
    pub wire_name: Option<String>,
    /// EC2's `queryName`.
    pub query_name: Option<String>,
    /// It must be there.
    pub required: bool,
    /// Its values are secrets.
    pub sensitive: bool,
    /// A list or map whose elements stand in its place.
    pub flattened: bool,
    /// An attribute of the XML element.
    pub attribute: bool,
    /// Events come one after another.
    pub event_stream: bool,
    /// A string that holds JSON (in a header: in base64).
    pub json: bool,
    /// The format of a timestamp where it differs from its shape's.
    pub timestamp_format: Option<String>,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the body.
    Body,
    /// In the path.
    Uri,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In all headers that begin with its name.
    Headers,
    /// The status code.
    Status,
}
