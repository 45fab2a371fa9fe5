use std::io::Read as _;

use super::*;

fn mark(name: &str) -> Mark {
    Mark::of(name.as_bytes(), 0, b"")
}

fn add(packing: &mut Packing, name: &str, content: &[u8]) -> Option<Archive> {
    let added = packing.add(name.to_owned(), mark(name), |body| {
        body.extend_from_slice(content);
        Ok(())
    });
    added.expect("the content is there")
}

/// Names and contents, as another reader of tars sees them.
fn members(archive: &Archive) -> Vec<(String, Vec<u8>)> {
    let mut tar = tar::Archive::new(&archive.body[..]);
    let entries = tar.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), content)
        })
        .collect()
}

#[test]
fn a_tar_has_the_files_as_they_are() {
    let mut packing = Packing::default();
    assert!(add(&mut packing, "a/first.json", b"{}").is_none());
    assert!(add(&mut packing, "s3://b/second.json.gz", &[7; 1_000]).is_none());
    assert!(add(&mut packing, "empty.json", b"").is_none());
    let archive = packing.finish().unwrap();
    let expected = [("first.json", vec![b'{', b'}']), ("second.json.gz", vec![7; 1_000]), ("empty.json", vec![])];
    assert_eq!(members(&archive), expected.map(|(name, content)| (name.to_owned(), content)));
    let names: Vec<_> = archive.files.iter().map(|file| (file.name.as_str(), file.label.as_str(), file.bytes)).collect();
    assert_eq!(
        names,
        [("a/first.json", "first.json", 2), ("s3://b/second.json.gz", "second.json.gz", 1_000), ("empty.json", "empty.json", 0)]
    );
}

#[test]
fn a_file_that_does_not_fit_begins_the_next_archive() {
    let mut packing = Packing::default();
    let half = vec![1; ARCHIVE_BYTES / 2];
    assert!(add(&mut packing, "one.json", &half).is_none());
    let first = add(&mut packing, "two.json", &half).expect("two halves and their headers are too much");
    assert_eq!(members(&first), [("one.json".to_owned(), half.clone())]);
    assert_eq!(members(&packing.finish().unwrap()), [("two.json".to_owned(), half)]);
}

#[test]
fn a_large_file_goes_alone() {
    let mut packing = Packing::default();
    let large = vec![1; ARCHIVE_BYTES * 2];
    assert!(add(&mut packing, "large.json", &large).is_none());
    let first = add(&mut packing, "small.json", b"{}").unwrap();
    assert_eq!(members(&first), [("large.json".to_owned(), large)]);
}

#[test]
fn the_number_of_files_is_bounded() {
    let mut packing = Packing::default();
    let full = (0..FILES_MAX).find_map(|n| add(&mut packing, &format!("{n}.json"), b"{}")).unwrap();
    assert_eq!(full.files.len(), FILES_MAX);
    assert_eq!(members(&full).len(), FILES_MAX);
    assert!(packing.finish().is_none());
}

#[test]
fn a_file_that_cannot_be_had_leaves_no_trace() {
    let mut packing = Packing::default();
    add(&mut packing, "good.json", b"{}");
    let broken = packing.add("broken.json".to_owned(), mark("b"), |body| {
        body.extend_from_slice(b"half of it");
        Err(Damage::new("Unreadable", "input/output error"))
    });
    assert_eq!(broken.unwrap_err().code, "Unreadable");
    let grown = packing.add("grown.json".to_owned(), mark("g"), |body| {
        body.resize(body.len() + FILE_BYTES_MAX + 1, 0);
        Ok(())
    });
    assert_eq!(grown.unwrap_err().code, "TooLarge");
    assert_eq!(members(&packing.finish().unwrap()), [("good.json".to_owned(), b"{}".to_vec())]);
}

#[test]
fn a_long_name_keeps_its_end() {
    let name = format!("a/b/{}é_the_end.json.gz", "x".repeat(200));
    let label = label(&name);
    assert!(label.len() <= LABEL_BYTES_MAX && label.ends_with("é_the_end.json.gz"), "{label}");
    // A cut in the middle of a character goes to its end.
    assert_eq!(super::label(&"é".repeat(51)).len(), 100);
    assert_eq!(super::label(&format!("{}x", "é".repeat(51))).len(), 99);
    assert_eq!(super::label("folder/"), "file");
}

#[test]
fn an_empty_archive_is_a_tar() {
    assert_eq!(tar::Archive::new(&empty()[..]).entries().unwrap().count(), 0);
}
