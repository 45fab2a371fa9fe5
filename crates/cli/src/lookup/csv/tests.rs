use super::*;

fn check(cell: &str, expected: &str) {
    let mut line = String::new();
    write(&mut line, cell);
    assert_eq!(line, expected);
}

#[test]
fn cells_are_quoted_where_they_must_be() {
    check("plain", "plain");
    check("", "");
    check("a,b", "\"a,b\"");
    check("say \"no\"", "\"say \"\"no\"\"\"");
    check("two\nlines", "\"two\nlines\"");
}

#[test]
fn formulas_are_made_harmless() {
    for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"] {
        check(cell, &format!("'{cell}"));
    }
    check("=cmd|' /C calc'!A0,x", "\"'=cmd|' /C calc'!A0,x\"");
    check("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"");
    check("\r=1", "\"'\r=1\"");
    check("a=1", "a=1");
}

#[test]
fn a_record_fills_every_column() {
    let record = r#"{"eventTime":"2026-03-02T09:14:09Z","eventSource":"iam.amazonaws.com","eventName":"DeleteRole","userIdentity":{"type":"IAMUser","userName":"=dana","accessKeyId":"AKIAEXAMPLE"},"awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","errorCode":"AccessDenied","requestParameters":{"roleName":"deployer"},"readOnly":false,"eventID":"e-1","recipientAccountId":"123456789012"}"#;
    let row = Row::of(record).unwrap();
    let quoted = format!("\"{}\"", record.replace('"', "\"\""));
    let expected = format!(
        "DeleteRole,2026-03-02T09:14:09Z,'=dana,iam.amazonaws.com,AWS::IAM::Role,deployer,AKIAEXAMPLE,e-1,false,203.0.113.7,us-east-1,AccessDenied,{quoted}\n"
    );
    assert_eq!(line(&row, record, None), expected);
    assert_eq!(header(false).trim_end().split(',').count(), 13);
    assert!(header(true).ends_with(",event,acceptedAt,origin,sender\n"));
}
