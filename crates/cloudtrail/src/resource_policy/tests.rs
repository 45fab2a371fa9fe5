use serde_json::{Value, json};

use super::*;

const OWNER: &str = "123456789012";
const OTHER: &str = "210987654321";
const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:123456789012:channel/01234567-89ab-cdef-0123-456789abcdef";
const STORE: &str = "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/01234567-89ab-cdef-0123-456789abcdef";

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn root(id: &str) -> Principal {
    Principal::Root(account(id))
}

fn statement(changes: &Value, whole: Value) -> Value {
    let mut statement = whole;
    for (name, value) in changes.as_object().unwrap() {
        let members = statement.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    statement
}

/// A channel's statement, with members changed.
fn puts(changes: &Value) -> Value {
    let whole = json!({
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{OTHER}:root")},
        "Action": "cloudtrail-data:PutAuditEvents", "Resource": CHANNEL,
    });
    statement(changes, whole)
}

/// A store's statement, with members changed.
fn queries(changes: &Value) -> Value {
    let whole = json!({
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["cloudtrail:StartQuery", "cloudtrail:GetQueryResults"], "Resource": STORE,
    });
    statement(changes, whole)
}

fn text(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn channel(statements: &[Value]) -> Result<ChannelPolicy, Invalid> {
    ChannelPolicy::parse(CHANNEL, &text(statements))
}

fn store(statements: &[Value]) -> Result<StorePolicy, Invalid> {
    StorePolicy::parse(STORE, &text(statements))
}

#[track_caller]
fn may_put(statements: &[Value], caller: &str, external_id: Option<&str>) -> bool {
    may_put_audit_events(Some(&channel(statements).unwrap()), account(OWNER), &root(caller), external_id)
}

#[test]
fn without_a_policy_the_owner_alone_puts_events() {
    assert!(may_put_audit_events(None, account(OWNER), &root(OWNER), None));
    assert!(may_put_audit_events(None, account(OWNER), &root(OWNER), Some("any")));
    assert!(!may_put_audit_events(None, account(OWNER), &root(OTHER), None));
    assert!(!may_put_audit_events(None, account(OWNER), &Principal::Anonymous, None));
}

#[test]
fn another_account_puts_events_if_it_is_allowed() {
    for principal in
        [json!({"AWS": OTHER}), json!({"AWS": [OTHER, "111111111111"]}), json!({"AWS": format!("arn:aws:iam::{OTHER}:root")})]
    {
        let policy = [puts(&json!({"Principal": principal}))];
        assert!(may_put(&policy, OTHER, None));
        assert!(may_put(&policy, OTHER, Some("an-id-nobody-asked-for")));
        assert!(may_put(&policy, OWNER, None));
        assert!(!may_put(&policy, "333333333333", None));
    }
    let user = puts(&json!({"Principal": {"AWS": format!("arn:aws:iam::{OTHER}:user/forwarder")}}));
    assert!(!may_put(&[user], OTHER, None), "the root is not the user");
}

#[test]
fn a_denial_stops_the_owner_too() {
    let deny = |id: &str| puts(&json!({"Effect": "Deny", "Principal": {"AWS": id}}));
    assert!(!may_put(&[puts(&json!({})), deny(OTHER)], OTHER, None));
    assert!(!may_put(&[deny(OWNER)], OWNER, None));
    assert!(may_put(&[puts(&json!({})), deny(OWNER)], OTHER, None));
}

#[test]
fn an_external_id_is_asked_of_every_call_if_the_policy_has_one() {
    let condition = |ids: Value| puts(&json!({"Condition": {"StringEquals": {"cloudtrail:ExternalId": ids}}}));
    for (ids, given, expected) in [
        (json!("partner-1"), Some("partner-1"), true),
        (json!("partner-1"), Some("partner-2"), false),
        (json!("partner-1"), Some("PARTNER-1"), false),
        (json!("partner-1"), None, false),
        (json!(["a1", "b2"]), Some("b2"), true),
    ] {
        let policy = [condition(ids)];
        assert_eq!(may_put(&policy, OTHER, given), expected, "{policy:?} {given:?}");
        assert_eq!(may_put(&policy, OWNER, given), expected, "{policy:?} {given:?}, by the owner");
    }
}

#[test]
fn a_channels_policy_has_rules() {
    let legal = [
        json!({}),
        json!({"Sid": "s"}),
        json!({"Principal": {"AWS": format!("arn:aws:iam::{OTHER}:role/x/y")}}),
        json!({"Principal": {"AWS": format!("arn:aws:sts::{OTHER}:federated-user/f")}}),
        json!({"Action": ["CloudTrail-Data:putauditevents"]}),
        json!({"Resource": [CHANNEL]}),
        json!({"Condition": {"StringEquals": {"CloudTrail:externalid": "a.b_c+d=e,f@g:h/i-j"}}}),
        json!({"Effect": "Deny"}),
    ];
    for changes in legal {
        channel(&[puts(&changes)]).unwrap_or_else(|error| panic!("{changes}: {error}"));
    }
    let illegal = [
        json!({"Principal": "*"}),
        json!({"Principal": {"AWS": "*"}}),
        json!({"Principal": {"Service": "cloudtrail.amazonaws.com"}}),
        json!({"Principal": {"Federated": "accounts.google.com"}}),
        json!({"Principal": {"AWS": format!("arn:aws:sts::{OTHER}:assumed-role/r/s")}}),
        json!({"Principal": {"AWS": "12"}}),
        json!({"Principal": null}),
        json!({"Principal": null, "NotPrincipal": {"AWS": OTHER}, "Effect": "Deny"}),
        json!({"Action": "cloudtrail-data:*"}),
        json!({"Action": "*"}),
        json!({"Action": ["cloudtrail-data:PutAuditEvents", "cloudtrail:StartQuery"]}),
        json!({"Action": null}),
        json!({"Action": null, "NotAction": "s3:GetObject"}),
        json!({"Resource": "*"}),
        json!({"Resource": STORE}),
        json!({"Resource": [CHANNEL, STORE]}),
        json!({"Resource": null}),
        json!({"Resource": []}),
        json!({"Resource": null, "NotResource": STORE}),
        json!({"Condition": {"StringLike": {"cloudtrail:ExternalId": "a*"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}}),
        json!({"Condition": {"StringEquals": {"cloudtrail:ExternalId": "a"}}}),
        json!({"Condition": {"StringEquals": {"cloudtrail:ExternalId": "has space"}}}),
        json!({"Condition": {"StringEquals": {"cloudtrail:ExternalId": 12}}}),
        json!({"Condition": {"StringEquals": {"cloudtrail:ExternalId": ["ab", "${aws:username}"]}}}),
        json!({"Effect": "Maybe"}),
        json!({"Extra": 1}),
    ];
    for changes in illegal {
        assert!(channel(&[puts(&changes)]).is_err(), "{changes}");
    }
    let many = |count: usize| vec![puts(&json!({})); count];
    assert!(channel(&many(20)).is_ok() && channel(&many(21)).is_err() && channel(&many(0)).is_err());
    let principals = |count: usize| puts(&json!({"Principal": {"AWS": vec![OTHER; count]}}));
    assert!(channel(&[principals(50)]).is_ok() && channel(&[principals(51)]).is_err());
    for text in
        ["", "{}", "[]", "{", r#"{"Statement":[]}"#, "null", r#"{"Version":"2012-10-17","Statement":[{}],"Statement":[]}"#]
    {
        assert!(ChannelPolicy::parse(CHANNEL, text).is_err(), "{text}");
    }
}

#[track_caller]
fn may(statements: &[Value], caller: &Principal, action: &str) -> bool {
    may_query(Some(&store(statements).unwrap()), account(OWNER), caller, action, &Context::default())
}

#[test]
fn another_account_queries_a_store_if_it_is_allowed() {
    let (start, cancel) = ("cloudtrail:StartQuery", "cloudtrail:CancelQuery");
    assert!(may_query(None, account(OWNER), &root(OWNER), start, &Context::default()));
    assert!(!may_query(None, account(OWNER), &root(OTHER), start, &Context::default()));
    let policy = [queries(&json!({}))];
    assert!(may(&policy, &root(OTHER), start) && may(&policy, &root(OWNER), start) && may(&policy, &root(OWNER), cancel));
    assert!(!may(&policy, &root(OTHER), cancel) && !may(&policy, &root("333333333333"), start));
    let deny = queries(&json!({"Effect": "Deny", "Principal": "*", "Action": start}));
    assert!(!may(&[policy[0].clone(), deny.clone()], &root(OTHER), start) && !may(&[deny], &root(OWNER), start));
    let here = queries(&json!({"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}));
    assert!(!may(std::slice::from_ref(&here), &root(OTHER), start));
    let mut context = Context::default();
    context.add("aws:RequestedRegion", "us-east-1");
    assert!(may_query(Some(&store(&[here]).unwrap()), account(OWNER), &root(OTHER), start, &context));
}

#[test]
fn a_dashboard_queries_by_way_of_the_service() {
    let dashboards = format!("arn:aws:cloudtrail:us-east-1:{OWNER}:dashboard/*");
    let service = |changes: &Value| {
        let refresh = json!({"Principal": {"Service": SERVICE}, "Action": START_QUERY, "Resource": null});
        statement(changes, queries(&refresh))
    };
    let conditions = json!({"StringLike": {"AWS:SourceArn": [dashboards], "AWS:SourceAccount": OWNER}});
    let policy = [service(&json!({"Condition": conditions}))];
    let mut context = Context::default();
    context.add("aws:SourceArn", dashboards.replace('*', "d"));
    context.add("aws:SourceAccount", OWNER);
    let caller = Principal::Service(SERVICE.to_owned());
    let policy = store(&policy).unwrap();
    assert!(may_query(Some(&policy), account(OWNER), &caller, START_QUERY, &context));
    assert!(!may_query(Some(&policy), account(OWNER), &caller, START_QUERY, &Context::default()));
    assert!(!may_query(Some(&policy), account(OWNER), &root(OTHER), START_QUERY, &context));

    for changes in [json!({}), json!({"Resource": STORE}), json!({"Resource": dashboards})] {
        store(&[service(&changes)]).unwrap_or_else(|error| panic!("{changes}: {error}"));
    }
    for changes in [
        json!({"Principal": {"Service": "s3.amazonaws.com"}}),
        json!({"Principal": {"Service": SERVICE, "AWS": OTHER}}),
        json!({"Action": ["cloudtrail:StartQuery", "cloudtrail:CancelQuery"]}),
        json!({"Condition": {"StringEquals": {"AWS:SourceArn": STORE}}}),
        json!({"Condition": {"StringEquals": {"AWS:SourceAccount": "me"}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalArn": STORE}}}),
        json!({"Condition": {"ArnLike": {"AWS:SourceArn": dashboards}}}),
        json!({"Resource": "*"}),
    ] {
        assert!(store(&[service(&changes)]).is_err(), "{changes}");
    }
}

#[test]
fn a_stores_policy_has_rules() {
    for changes in [
        json!({}),
        json!({"Resource": null}),
        json!({"Action": STORE_ACTIONS}),
        json!({"Action": "CLOUDTRAIL:startquery"}),
        json!({"Principal": {"AWS": format!("arn:aws:sts::{OTHER}:assumed-role/r/s")}}),
        json!({"Principal": "*", "Effect": "Deny"}),
        json!({"Principal": {"AWS": "*"}, "Effect": "Deny"}),
    ] {
        store(&[queries(&changes)]).unwrap_or_else(|error| panic!("{changes}: {error}"));
    }
    for changes in [
        json!({"Principal": "*"}),
        json!({"Principal": {"AWS": "*"}}),
        json!({"Principal": {"CanonicalUser": "c"}}),
        json!({"Principal": null, "NotPrincipal": {"AWS": OTHER}, "Effect": "Deny"}),
        json!({"Action": "cloudtrail:*"}),
        json!({"Action": "cloudtrail:DeleteEventDataStore"}),
        json!({"Action": "cloudtrail-data:PutAuditEvents"}),
        json!({"Action": null, "NotAction": "cloudtrail:StartQuery"}),
        json!({"Resource": "*"}),
        json!({"Resource": CHANNEL}),
        json!({"Resource": format!("arn:aws:cloudtrail:us-east-1:{OWNER}:dashboard/*")}),
    ] {
        assert!(store(&[queries(&changes)]).is_err(), "{changes}");
    }
    assert!(store(&[]).is_err());
    assert!(store(&vec![queries(&json!({})); 40]).is_ok());
}
