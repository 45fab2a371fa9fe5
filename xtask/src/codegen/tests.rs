use std::fs;
use std::path::Path;

use super::{SERVICES, generate};

#[test]
fn generated_code_is_what_the_models_say() {
    let api = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/api"));
    for (path, text) in generate(api).unwrap() {
        let found = fs::read_to_string(&path).unwrap();
        assert!(found == text, "{} is stale: run `cargo xtask codegen`", path.display());
    }
}

#[test]
fn stripped_models_hold_no_prose() {
    for service in &SERVICES {
        let path = format!("{}/../crates/api/model/{}.json", env!("CARGO_MANIFEST_DIR"), service.model);
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("documentation") && !text.contains("deprecatedMessage") && !text.contains("<p>"));
    }
}
