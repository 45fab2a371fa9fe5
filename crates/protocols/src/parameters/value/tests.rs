use time::macros::datetime;

use super::*;

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

#[test]
fn a_value_is_rendered_in_order_and_as_it_was_written() {
    let value = object(&[
        ("b", Value::Number("1.50e3".into())),
        ("a", Value::List(vec![Value::text("x\"\n\u{e9}"), Value::Boolean(false), Value::Null])),
        ("doc", Value::Json("{\"k\":[1]}".into())),
        ("at", Value::Instant(datetime!(2026-01-31 09:30:00 UTC))),
        ("none", object(&[])),
    ]);
    assert_eq!(
        value.render().get(),
        "{\"b\":1.50e3,\"a\":[\"x\\\"\\n\u{e9}\",false,null],\"doc\":{\"k\":[1]},\"at\":\"2026-01-31T09:30:00Z\",\"none\":{}}"
    );
}

#[test]
fn a_value_is_found_by_its_way() {
    let value = object(&[("items", Value::List(vec![object(&[("id", Value::text("i-1"))])]))]);
    assert_eq!(value.text_at(&["items", "0", "id"]), Some("i-1"));
    assert_eq!(value.text_at(&["items", "1", "id"]), None);
    assert_eq!(value.text_at(&["items", "id"]), None);
    assert_eq!(value.at(&["items"]).map(|items| items.elements().len()), Some(1));
}

#[test]
fn what_nests_deeper_than_a_record_may_is_told_by_its_size() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [90, 100, 200_000] {
        let value = object(&[("doc", Value::Json(deep(levels)))]);
        let whole = format!("{{\"doc\":{}}}", deep(levels));
        let omitted = format!("{{\"omitted\":true,\"originalSize\":{},\"reason\":\"nested too deep\"}}", whole.len());
        assert_eq!(value.render().get(), if levels == 90 { whole } else { omitted });
    }
    let quoted = Value::text(format!("\\\"{}", deep(200)));
    assert_eq!(quoted.render().get(), serde_json::to_string(&format!("\\\"{}", deep(200))).unwrap());
}
