use super::{Error, MAGIC, Table, write};
use crate::table::{Heading, Operation, Protocol, Service, Shape, ShapeId, ShapeKind};

const CHECKED_IN: &[u8] = include_bytes!("../../../model/services.table");

fn service(name: &str, input: u32) -> Service {
    let heading = Heading {
        name: name.to_owned(),
        api_version: "2026-01-01".to_owned(),
        service_id: name.to_uppercase(),
        protocols: vec![Protocol::Json11],
        endpoint_prefix: name.to_owned(),
        signing_name: name.to_owned(),
        target_prefix: None,
        event_source: format!("{name}.amazonaws.com"),
    };
    let operation = Operation {
        name: "GetThing".to_owned(),
        method: "POST".to_owned(),
        uri: "/".to_owned(),
        input: Some(ShapeId(input)),
        output: None,
        result_wrapper: None,
        read_only: Some(true),
        unsigned: false,
        deprecated: false,
        host_prefix: None,
    };
    let structure = ShapeKind::Structure { members: Vec::new(), payload: None, union: false, element: None };
    let shapes = vec![Shape { kind: structure, sensitive: false }, Shape { kind: ShapeKind::String, sensitive: true }];
    Service { heading, operations: vec![operation], shapes }
}

#[test]
fn what_was_written_is_read() {
    let services = [service("alpha", 0), service("beta", 0)];
    let bytes = write("botocore 9", &services).unwrap();
    assert_eq!(bytes, write("botocore 9", &services).unwrap());
    let table = Table::open(bytes).unwrap();
    assert_eq!(table.source(), "botocore 9");
    assert_eq!([table.read(0).unwrap(), table.read(1).unwrap()], services);
    assert_eq!(table.read(2), Err(Error::Missing { at: 2 }));
}

#[test]
fn shapes_that_do_not_hang_together_are_refused() {
    let table = Table::open(write("botocore 9", &[service("alpha", 2)]).unwrap()).unwrap();
    assert!(matches!(table.read(0), Err(Error::Damaged { .. })));
}

#[test]
fn twins_become_one() {
    let mut twice = service("alpha", 2);
    twice.shapes.push(twice.shapes[0].clone());
    assert_eq!(twice.deduplicated(), service("alpha", 0));
}

#[test]
fn damage_is_an_error_and_no_panic() {
    let whole = write("botocore 9", &[service("alpha", 0), service("beta", 0)]).unwrap();
    let read_all = |bytes: Vec<u8>| {
        let table = Table::open(bytes)?;
        (0..2).map(|at| table.read(at)).collect::<Result<Vec<_>, _>>()
    };
    assert!(read_all(whole.clone()).is_ok());
    for at in 0..whole.len() {
        assert!(read_all(whole[..at].to_vec()).is_err(), "cut at {at}");
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        // What zstd leaves unused in its frames may change without harm.
        if let Ok(services) = read_all(flipped) {
            assert_eq!(services[0], service("alpha", 0), "flipped at {at}");
        }
    }
    assert_eq!(Table::open(b"something else".to_vec()).unwrap_err(), Error::Foreign);
    assert_eq!(Table::open(b"").unwrap_err(), Error::Foreign);
    assert!(matches!(Table::open(MAGIC), Err(Error::Damaged { .. })));
}

#[test]
fn the_checked_in_table_holds_every_service_in_order() {
    let table = Table::open(CHECKED_IN).unwrap();
    assert!(table.source().starts_with("botocore "));
    assert!(table.headings().is_sorted_by(|one, other| one.name < other.name));
    let mut operations = 0;
    for at in 0..table.headings().len() {
        let service = table.read(at).unwrap();
        assert!(service.operations.is_sorted_by(|one, other| one.name < other.name), "{}", service.heading.name);
        operations += service.operations.len();
    }
    assert!(table.headings().len() > 400 && operations > 19_000, "{operations} operations");
}
