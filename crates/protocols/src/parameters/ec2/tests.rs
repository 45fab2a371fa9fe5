use super::*;

#[test]
fn old_operations_are_in_order_so_that_they_are_found() {
    for operation in ["AcceptVpcPeeringConnection", "DescribeInstances", "RunInstances", "UnmonitorInstances"] {
        assert!(names::is_classic(operation), "{operation}");
    }
    assert!(!names::is_classic("CreateNatGateway"));
    assert!(names::is_sorted());
}

#[test]
fn elements_say_their_place() {
    let placed = placed(Value::text("vpc-1"), 2);
    assert_eq!(placed.render().get(), r#"{"content":"vpc-1","tag":2}"#);
}
