//! Every operation, seen from outside.

use api::{Constraints, InputError, Operation, ViolationKind};

#[test]
fn an_empty_input_is_typed_or_tells_what_is_missing() {
    let constraints = Constraints::new();
    let mut typed = 0;
    for operation in Operation::ALL {
        match constraints.parse(operation, b"{}") {
            Ok(input) => {
                assert_eq!(input.operation(), operation);
                typed += 1;
            }
            Err(InputError::Violations(violations)) => {
                for violation in violations.all() {
                    assert_eq!(violation.kind, ViolationKind::Required, "{operation:?}");
                    assert!(violation.message.starts_with("Value null at '"), "{}", violation.message);
                }
            }
            Err(error) => panic!("{operation:?}: {error}"),
        }
    }
    println!("{typed} operations take an empty input, {} do not", Operation::ALL.len() - typed);
    assert!((10..40).contains(&typed));
}

#[test]
fn a_body_that_is_no_object_is_never_an_input() {
    let constraints = Constraints::new();
    for operation in Operation::ALL {
        for body in ["[]", "1", "\"x\"", "{", "null", "{}{}"] {
            assert!(
                matches!(constraints.parse(operation, body.as_bytes()), Err(InputError::Serialization(_))),
                "{operation:?} {body}"
            );
        }
    }
}

#[test]
fn members_of_the_wrong_type_are_refused_by_every_operation() {
    let constraints = Constraints::new();
    for operation in Operation::ALL {
        let Err(InputError::Violations(violations)) = constraints.parse(operation, b"{}") else { continue };
        let lower = violations.first().member();
        let upper: String = lower[..1].to_uppercase() + &lower[1..];
        for name in [lower, &upper] {
            // No required member of any operation is a boolean.
            let body = format!("{{\"{name}\":false}}");
            let verdict = constraints.parse(operation, body.as_bytes());
            assert!(verdict.is_err(), "{operation:?} {body}");
        }
    }
}
