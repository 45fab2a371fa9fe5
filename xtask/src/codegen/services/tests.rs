use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use protocols::table::file::Table;
use protocols::table::{Place, Protocol, ShapeKind};

use super::{build, check};

const MODEL: &str = r#"{
    "metadata": {"apiVersion": "2026-01-01", "endpointPrefix": "things", "jsonVersion": "1.1", "protocol": "json",
        "protocols": ["json", "smithy-rpc-v2-cbor"], "serviceId": "Things", "targetPrefix": "Things_1"},
    "operations": {"PutThing": {"name": "PutThing", "http": {"method": "POST", "requestUri": "/"},
        "input": {"shape": "PutThingRequest"}, "authtype": "none", "documentation": "<p>Prose.</p>"}},
    "shapes": {
        "PutThingRequest": {"type": "structure", "required": ["Name"], "members": {
            "Name": {"shape": "Name", "documentation": "<p>Prose.</p>"}, "Title": {"shape": "Title"},
            "Secret": {"shape": "Secret", "location": "header", "locationName": "x-secret"}}},
        "Name": {"type": "string", "max": 3}, "Title": {"type": "string"}, "Secret": {"type": "string", "sensitive": true},
        "Unused": {"type": "string"}}
}"#;

fn wheel(folder: &Path) {
    fs::create_dir_all(folder.join("botocore/data")).unwrap();
    fs::write(folder.join("botocore/__init__.py"), "__version__ = '9.9'\n").unwrap();
    fs::write(folder.join("botocore/data/endpoints.json"), "{}").unwrap();
    for (version, model) in [("2025-01-01", "no model"), ("2026-01-01", MODEL)] {
        let version = folder.join("botocore/data/things").join(version);
        fs::create_dir_all(&version).unwrap();
        let mut file = GzEncoder::new(File::create(version.join("service-2.json.gz")).unwrap(), Compression::fast());
        file.write_all(model.as_bytes()).unwrap();
        file.finish().unwrap();
    }
}

#[test]
fn the_newest_model_becomes_facts_without_prose() {
    let folder = tempfile::tempdir().unwrap();
    wheel(folder.path());
    let bytes = build(folder.path()).unwrap();
    assert_eq!(bytes, build(folder.path()).unwrap());
    let table = Table::open(bytes).unwrap();
    assert_eq!(table.source(), "botocore 9.9");
    let service = table.read(0).unwrap();
    assert_eq!(service.heading.name, "things");
    assert_eq!(service.heading.event_source, "things.amazonaws.com");
    assert_eq!(service.heading.protocols, [Protocol::RpcV2Cbor, Protocol::Json11]);
    assert!(service.operations[0].unsigned);
    // The input, strings, and secret strings.
    assert_eq!(service.shapes.len(), 3);
    let input = service.shape(service.operations[0].input.unwrap()).unwrap();
    let ShapeKind::Structure { members, .. } = &input.kind else { panic!("{input:?}") };
    assert!(members[0].required && !members[1].required && members[0].shape == members[1].shape);
    assert_eq!((members[2].place, members[2].wire_name.as_deref()), (Place::Header, Some("x-secret")));
    assert!(!format!("{service:?}").contains("Prose"));
}

#[test]
fn the_checked_in_table_is_in_order() {
    check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))).unwrap();
}
