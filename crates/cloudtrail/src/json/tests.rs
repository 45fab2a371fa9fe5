use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{DEPTH_MAX, Fault, Json, compact, scan, unescape, unescape_strictly};

fn accepts(text: &str) -> Result<bool, Fault> {
    scan(text.as_bytes(), |_, _| Ok(()))
}

/// What `scan` says about a text: `"blank"`, `"compact"` or the fault. `serde_json` must agree.
fn check(text: &str, expected: &str) {
    let found = match accepts(text) {
        Ok(true) => "blank".to_owned(),
        Ok(false) => "compact".to_owned(),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(found, expected, "{text}");
    let object = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    let theirs = object && serde_json::from_str::<&RawValue>(text).is_ok();
    assert_eq!(accepts(text).is_ok(), theirs, "{text}");
}

#[test]
fn scan_accepts_json_objects_and_says_whether_there_is_blank_space() {
    check("{}", "compact");
    check(r#"{"a":1}"#, "compact");
    check(r#"{"a":[],"b":{},"c":[{},[[]]],"d":{"e":{"f":[1,2]}}}"#, "compact");
    check(r#"{"a":"b \" \\ \/ \b\f\n\r\t A \ud800"}"#, "compact");
    check(r#"{"a":[-0,0.5,1e9,1E+9,1e-9,-12.5e3,true,false,null]}"#, "compact");
    check("{\"ä\":\"日本\u{7f}\"}", "compact");
    check(" {}", "blank");
    check("{}\n", "blank");
    check("{ \"a\"\t:\r[ 1 , 2 ] }", "blank");
    check("{\"a\": \"b c\"}", "blank");
}

#[test]
fn scan_names_what_it_expected_and_where() {
    check("", "not JSON: an object expected at byte 0");
    check("[]", "not JSON: an object expected at byte 0");
    check("1", "not JSON: an object expected at byte 0");
    check("\u{feff}{}", "not JSON: an object expected at byte 0");
    check("{", "not JSON: a string expected at byte 1");
    check("{}}", "not JSON: the end expected at byte 2");
    check("{} {}", "not JSON: the end expected at byte 3");
    check("{\"a\"}", "not JSON: ':' expected at byte 4");
    check("{\"a\":}", "not JSON: a value expected at byte 5");
    check("{\"a\":1,}", "not JSON: a string expected at byte 7");
    check("{\"a\":[1,]}", "not JSON: a value expected at byte 8");
    check("{\"a\":[1}", "not JSON: ',' or ']' expected at byte 7");
    check("{\"a\":{\"b\":1]}", "not JSON: ',' or '}' expected at byte 11");
    check("{\"a\":01}", "not JSON: ',' or '}' expected at byte 6");
    check("{\"a\":-}", "not JSON: a digit expected at byte 6");
    check("{\"a\":1.}", "not JSON: a digit expected at byte 7");
    check("{\"a\":1e}", "not JSON: a digit expected at byte 7");
    check("{\"a\":+1}", "not JSON: a value expected at byte 5");
    check("{\"a\":NaN}", "not JSON: a value expected at byte 5");
    check("{\"a\":tru}", "not JSON: a value expected at byte 5");
    check("{a:1}", "not JSON: a string expected at byte 1");
    check("{'a':1}", "not JSON: a string expected at byte 1");
    check("{\"a\":\"\0\"}", "not JSON: no control character expected at byte 6");
    check("{\"a\":\"long enough\n\"}", "not JSON: no control character expected at byte 17");
    check(r#"{"a":"\x"}"#, "not JSON: an escape expected at byte 7");
    check(r#"{"a":"\u12g4"}"#, "not JSON: four hexadecimal digits expected at byte 7");
    check(r#"{"a":"\u12"#, "not JSON: four hexadecimal digits expected at byte 7");
    check("{\"a\":\"open", "not JSON: '\"' expected at byte 10");
    check("{\"a\":\"\u{b}\"}", "not JSON: no control character expected at byte 6");
    check("{\"a\":1\u{b}}", "not JSON: ',' or '}' expected at byte 6");
}

#[test]
fn scan_bounds_the_depth() {
    let nested = |depth: u32, open: &str, close: &str| {
        let depth = depth as usize - 1;
        format!("{{\"a\":{}1{}}}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let step = if open.len() == 6 { 2 } else { 1 };
        let depth = (DEPTH_MAX - 1) / step + 1;
        assert_eq!(accepts(&nested(depth, open, close)), Ok(false), "{open}");
        assert!(matches!(accepts(&nested(depth + 1, open, close)), Err(Fault::TooDeep { .. })), "{open}");
        assert!(matches!(accepts(&nested(100_000, open, "")), Err(Fault::TooDeep { .. })), "{open}");
    }
}

#[test]
fn strings_are_unescaped_and_lone_surrogates_are_no_text() {
    let check = |inner: &str, expected: &str, strict: bool| {
        assert_eq!(unescape(inner), expected, "{inner}");
        assert_eq!(unescape_strictly(inner).is_some(), strict, "{inner}");
    };
    check("plain", "plain", true);
    check("", "", true);
    check(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t", true);
    check(r"a\u003db\u0026c", "a=b&c", true);
    check(r"\u0000", "\0", true);
    check(r"\ud83d\ude00!", "😀!", true);
    check(r"x\ud83dy", "x\u{fffd}y", false);
    check(r"\ude00", "\u{fffd}", false);
    check(r"\ud83d\ud83d\ude00", "\u{fffd}😀", false);
    check(r"\ud83d\n", "\u{fffd}\n", false);
}

#[test]
fn values_are_walked_in_place() {
    let text = r#"{"a":{"b":[1,"x,y]}",{"c":null}],"b":2},"d\u0065":"\"}","t":true,"s":"false"}"#;
    let record = Json::of(text);
    let keys: Vec<_> = record.members().map(|(key, value)| format!("{key}={}", value.raw())).collect();
    assert_eq!(keys, [r#"a={"b":[1,"x,y]}",{"c":null}],"b":2}"#, r#"de="\"}""#, "t=true", r#"s="false""#]);
    let list = record.get("a").and_then(|a| a.get("b")).unwrap();
    assert_eq!(list.elements().map(Json::raw).collect::<Vec<_>>(), ["1", r#""x,y]}""#, r#"{"c":null}"#]);
    assert_eq!(record.get("de").and_then(Json::string).as_deref(), Some("\"}"));
    assert_eq!(record.get("t").and_then(Json::boolean), Some(true));
    assert_eq!(record.get("s").and_then(Json::boolean), Some(false));
    assert_eq!(record.get("a").and_then(Json::string), None);
    assert_eq!(record.get("nothing"), None);
    assert_eq!(Json::of("[]").elements().count() + Json::of("{}").members().count() + Json::of("1").elements().count(), 0);
}

/// Any JSON value, not too deep.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn scan_agrees_with_serde_json_on_damaged_objects(value in any_value(), damage in any::<prop::sample::Index>(), byte in any::<char>()) {
        let mut text = serde_json::json!({ "a": value }).to_string();
        let at = (0..=damage.index(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap();
        text.insert(at, byte);
        let theirs = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{')
            && serde_json::from_str::<&RawValue>(&text).is_ok();
        prop_assert_eq!(accepts(&text).is_ok(), theirs, "{}", text);
    }

    #[test]
    fn compact_drops_blank_space_outside_strings_only(value in any_value()) {
        let value = serde_json::json!({ "a b": value });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(accepts(&pretty), Ok(true));
        prop_assert_eq!(String::from_utf8(compact(pretty.as_bytes())).unwrap(), value.to_string());
    }

    #[test]
    fn walking_sees_what_serde_json_sees(value in any_value()) {
        let text = value.to_string();
        prop_assert_eq!(rebuilt(Json::of(&text)), value);
    }

    #[test]
    fn walking_any_text_ends(text in ".*") {
        let walk = Json::of(&text);
        prop_assert!(walk.members().count() + walk.elements().count() <= text.len());
        unescape(&text);
    }
}

fn rebuilt(value: Json<'_>) -> Value {
    if value.is_object() {
        Value::Object(value.members().map(|(key, value)| (key.into_owned(), rebuilt(value))).collect())
    } else if value.is_array() {
        Value::Array(value.elements().map(rebuilt).collect())
    } else if let Some(text) = value.string() {
        Value::from(text.into_owned())
    } else {
        serde_json::from_str(value.raw()).unwrap()
    }
}
