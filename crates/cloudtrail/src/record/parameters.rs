//! From an API's input or output to requestParameters and responseElements.

use serde_json::value::RawValue;

use crate::json::{Fault, Json, compact, scan};

/// The JSON text of an API's input or output as CloudTrail writes it: compact, and the name of every structure
/// member with a small first letter (`S3BucketName` becomes `s3BucketName`), all the way down. Shapes are unknown
/// here, so every object counts as a structure, but for the values of members that `holds_map` says hold a map:
/// their keys are data and stay. The member's name is given as the API spells it. Values stay as they are
/// written. `None`: the text is no JSON object, or nests too deep.
pub fn lower_first_members(json: &str, holds_map: impl Fn(&str) -> bool) -> Option<Box<RawValue>> {
    let blank = scan::<Fault>(json.as_bytes(), |_, _| Ok(())).ok()?;
    let compacted = if blank { String::from_utf8(compact(json.as_bytes())).ok()? } else { json.to_owned() };
    let mut out = String::with_capacity(compacted.len());
    write(&mut out, Json::of(&compacted), false, &holds_map);
    RawValue::from_string(out).ok()
}

/// Recurses as deep as the value nests, which `scan` has bounded.
fn write(out: &mut String, value: Json<'_>, is_map: bool, holds_map: &impl Fn(&str) -> bool) {
    if value.is_object() {
        out.push('{');
        for (n, (key, value)) in value.members().enumerate() {
            out.push_str(if n > 0 { "," } else { "" });
            let name = if is_map { key.to_string() } else { lower_first(&key) };
            out.push_str(&serde_json::to_string(&name).expect("a string can be written to memory"));
            out.push(':');
            write(out, value, !is_map && holds_map(&key), holds_map);
        }
        out.push('}');
    } else if value.is_array() {
        out.push('[');
        for (n, element) in value.elements().enumerate() {
            out.push_str(if n > 0 { "," } else { "" });
            write(out, element, is_map, holds_map);
        }
        out.push(']');
    } else {
        out.push_str(value.raw());
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
