use std::collections::HashSet;

use super::*;

/// Every field of a kind, at any depth.
fn members(kind: Kind, out: &mut Vec<Field>) {
    let inner: &[Field] = match kind {
        Kind::Struct(fields) => fields,
        Kind::List(element) => std::slice::from_ref(element),
        _ => &[],
    };
    for field in inner {
        out.push(*field);
        members(field.kind, out);
    }
}

#[test]
fn no_id_and_no_name_stands_for_two_things() {
    for family in Family::ALL {
        let mut ids = HashSet::new();
        let mut names = HashSet::new();
        for column in columns(family) {
            assert!(names.insert(column.name), "{family:?}: {} twice", column.name);
            let mut fields = Vec::new();
            members(column.kind, &mut fields);
            for id in std::iter::once(column.id).chain(fields.iter().map(|f| f.id)) {
                assert!(ids.insert(id), "{family:?}: {} uses {id} again", column.name);
            }
        }
    }
}

#[test]
fn names_are_the_records_keys_in_lower_case() {
    for family in Family::ALL {
        for column in columns(family).iter().filter(|column| !column.key.is_empty()) {
            let same = column.path().eq_ignore_ascii_case(column.key);
            assert!(same, "{} is not {}", column.name, column.key);
            let mut fields = Vec::new();
            members(column.kind, &mut fields);
            for field in fields.iter().filter(|field| !field.key.is_empty()) {
                assert_eq!(field.name, field.key.to_lowercase());
            }
        }
    }
}

#[test]
fn a_flat_copy_is_found_by_its_path_and_no_other_column_is() {
    let shadow = |path| shadow(Family::Events, path).map(|column| column.name);
    assert_eq!(shadow("useridentity.arn"), Some("_useridentity.arn"));
    assert_eq!(shadow("requestparameters.bucketName"), Some("requestparameters.bucketName"));
    assert_eq!(shadow("requestparameters.bucketname"), None);
    assert_eq!(shadow("eventname"), None);
}

#[test]
fn files_hold_every_column_but_the_computed_one() {
    for family in Family::ALL {
        let (all, stored) = (arrow_schema(family), file_schema(family));
        let missing: Vec<_> = all.fields().iter().filter(|f| stored.field_with_name(f.name()).is_err()).collect();
        let expected = usize::from(family == Family::Events);
        assert_eq!(missing.len(), expected);
        assert!(missing.iter().all(|field| field.name() == EVENT_JSON_CHECKSUM));
    }
}
