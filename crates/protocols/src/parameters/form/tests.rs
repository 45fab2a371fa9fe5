use super::*;
use crate::parameters::tests::{input_of, service};

fn check(form: &str, expected: Result<&str, Unread>) {
    let service = service("iam");
    let read = fields(form).and_then(|fields| read(&service, Protocol::Query, input_of(&service, "CreateUser"), &fields));
    assert_eq!(read.map(|value| value.render().get().to_owned()).as_deref().map_err(|error| *error), expected, "{form:.100}");
}

#[test]
fn what_is_no_form_is_read_as_far_as_it_is_one() {
    check("", Ok("{}"));
    check("&&=&UserName", Ok(r#"{"UserName":""}"#));
    check("UserName=%zz%ff&Tags.member.x.Key=1&Tags.member.1=2", Ok("{\"UserName\":\"%zz\u{fffd}\",\"Tags\":[{}]}"));
    check("Tags=", Ok(r#"{"Tags":[]}"#));
}

#[test]
fn a_form_costs_no_more_than_a_record_can_hold() {
    check(&"a=1&".repeat(60_000), Err(Unread::TooLarge));
    check(&"a.".repeat(60_000), Err(Unread::TooLarge));
}
