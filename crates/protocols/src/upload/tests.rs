use http::HeaderValue;

use super::*;

const MULTIPART: &str = "multipart/form-data; boundary=xx";

fn field(name: &str, value: &str) -> String {
    format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(content: &str) -> String {
    format!(
        "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\n{content}\r\n--xx--\r\n"
    )
}

/// The form in pieces of so many bytes: how much of it was read, whether all fields were, and those that were.
fn read_by(piece: usize, body: &str) -> (usize, bool, Vec<(String, String)>) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MULTIPART));
    let mut form = Form::of(&headers).unwrap();
    let mut length = 0;
    for piece in body.as_bytes().chunks(piece) {
        length += piece.len();
        if form.read(piece) {
            break;
        }
    }
    (length, form.is_whole(), form.into_fields())
}

/// However it comes, the same is read of it.
fn check(body: &str, whole: bool, expected: &[(&str, &str)]) {
    for piece in [1, 7, 1_000, body.len().max(1)] {
        let (_, whole_read, fields) = read_by(piece, body);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((whole_read, fields.as_slice()), (whole, expected), "{} in pieces of {piece}", body.escape_debug());
    }
}

#[test]
fn fields_are_read_up_to_the_file() {
    let fields = field("key", "a/b") + &field("policy", "eyJ9") + &field("empty", "");
    let expected = [("key", "a/b"), ("policy", "eyJ9"), ("empty", "")];
    check(&(fields.clone() + &file("content") + &field("late", "1")), true, &expected);
    check(&("\r\n".to_owned() + &fields + &file("content")), true, &expected);
    check(&(fields.clone() + "--xx--\r\n"), true, &expected);
    check(&fields, false, &expected[..2]);
    check(&file("--xx\r\n"), true, &[]);
    check(&(field("key", "--x\r\n--y") + "--xx--"), true, &[("key", "--x\r\n--y")]);
    check("", false, &[]);
}

#[test]
fn nothing_of_the_file_is_waited_for() {
    let (fields, file) = (field("key", "k"), file(&"x".repeat(10_000)));
    let head = fields.len() + file.find("\r\n\r\n").unwrap() + 4;
    assert_eq!(read_by(1, &(fields + &file)), (head, true, vec![("key".to_owned(), "k".to_owned())]));
}

#[test]
fn what_is_no_field_ends_the_reading() {
    for nonsense in [
        "--xxy\r\n".to_owned(),
        "--xx\r\n\r\n\r\n".to_owned(),
        "--xx\r\nContent-Type: a\r\n\r\n".to_owned(),
        "--xx\r\nContent-Disposition: form-data; name=\"other\"; filename=\"f\"\r\n\r\n1\r\n".to_owned(),
        field("long", &"x".repeat(FIELD_BYTES_MAX + 1)),
        format!("--xx\r\nX: {}\r\n\r\n", "x".repeat(FIELD_BYTES_MAX)),
    ] {
        check(&(field("key", "k") + &nonsense + &field("late", "1") + &file("")), false, &[("key", "k")]);
    }
    let preamble = "x".repeat(FIELD_BYTES_MAX * 2);
    check(&(preamble + &field("key", "k")), false, &[]);
    let largest = "x".repeat(FIELD_BYTES_MAX);
    check(&(field("long", &largest) + &file("")), true, &[("long", &largest)]);
    let many = field("a", "1").repeat(FIELDS_MAX);
    check(&(many.clone() + &file("")), true, &[("a", "1"); FIELDS_MAX]);
    check(&(many + &field("b", "1") + &file("")), false, &[("a", "1"); FIELDS_MAX]);
}

#[test]
fn a_form_has_a_boundary() {
    let of = |content_type: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        Form::of(&headers).is_some()
    };
    assert!(of("multipart/form-data; charset=utf-8; boundary=\"xx\""));
    assert!(of(" Multipart/Form-Data;boundary=xx"));
    assert!(!of("multipart/form-data"));
    assert!(!of("application/x-www-form-urlencoded; boundary=xx"));
    assert!(!of(&format!("multipart/form-data; boundary={}", "x".repeat(71))));
    assert!(Form::of(&HeaderMap::new()).is_none());
}
