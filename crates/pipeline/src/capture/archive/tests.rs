use std::io::Cursor;

use tar::{Builder, Header};

use super::*;

fn append(builder: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, content).unwrap();
}

/// A name that the tar crate would not write.
fn append_unsafe(builder: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

fn append_special(builder: &mut Builder<Vec<u8>>, kind: EntryType, size: u64, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_path("special").unwrap();
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

/// Each member as `name: records` or `name: code`, and how reading ended.
fn members(archive: &[u8]) -> (Vec<String>, io::Result<()>) {
    let mut members = Vec::new();
    let read = read(Cursor::new(archive), |packed| {
        let Member { name, records } = packed.unpack();
        let said = records.map_or_else(|error| error.code.to_string(), |records| records.len().to_string());
        members.push(format!("{name}: {said}"));
        true
    });
    (members, read)
}

#[test]
fn members_are_read_one_by_one() {
    let mut builder = Builder::new(Vec::new());
    let long = format!("AWSLogs/{}/x.json", "long/".repeat(60));
    append(&mut builder, "a.json", br#"{"Records":[1,2]}"#);
    append(&mut builder, &long, br#"{"Records":[1]}"#);
    append_unsafe(&mut builder, "../etc/passwd", b"nonsense");
    append(&mut builder, "empty.json", b"");
    append_special(&mut builder, EntryType::Symlink, 0, b"");
    append_special(&mut builder, EntryType::Directory, 0, b"");
    builder.append_pax_extensions([("comment", b"x".as_slice()), ("path", "päx.json".as_bytes())]).unwrap();
    append(&mut builder, "short.json", br#"{"Records":[]}"#);
    let archive = builder.into_inner().unwrap();
    let (members, read) = members(&archive);
    read.unwrap();
    assert_eq!(
        members,
        [
            "a.json: 2".to_owned(),
            format!("{long}: 1"),
            "../etc/passwd: InvalidJson".to_owned(),
            "empty.json: Empty".to_owned(),
            "special: NotAFile".to_owned(),
            "päx.json: 0".to_owned(),
        ]
    );
}

#[test]
fn reading_stops_when_asked() {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, "a.json", b"1");
    append(&mut builder, "b.json", b"2");
    let mut seen = 0;
    read(Cursor::new(builder.into_inner().unwrap()), |_| {
        seen += 1;
        false
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn promises_of_size_take_no_memory() {
    for (kind, size) in [(EntryType::GNULongName, 1 << 40), (EntryType::XHeader, 1 << 30), (EntryType::Regular, 1 << 25)] {
        let mut builder = Builder::new(Vec::new());
        append_special(&mut builder, kind, size, b"x");
        let (members, read) = members(&builder.into_inner().unwrap()[..1024]);
        assert!(read.is_err() && members.is_empty(), "{kind:?}");
    }
    let mut builder = Builder::new(Vec::new());
    append_special(&mut builder, EntryType::Regular, (INFLATED_BYTES_MAX + 1) as u64, b"");
    let (members, _) = members(&builder.into_inner().unwrap());
    assert_eq!(members, ["special: TooLarge"]);
}

#[test]
fn a_torn_or_foreign_archive_is_an_error() {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, "a.json", br#"{"Records":[1,2]}"#);
    append(&mut builder, "b.json", &[b' '; 2000]);
    let archive = builder.into_inner().unwrap();
    let (whole, read) = members(&archive[..1024 + 512 + 1000]);
    assert_eq!((whole, read.is_err()), (vec!["a.json: 2".to_owned()], true));
    assert!(members(&[b'x'; 1024]).1.is_err());
    let mut rejected = Builder::new(Vec::new());
    append_special(&mut rejected, EntryType::XHeader, 12, b"99999 path=a");
    assert!(members(&rejected.into_inner().unwrap()).1.is_err());
}
