use http::HeaderMap;

use super::{Routes, Shown};
use crate::table::{Heading, Operation, Protocol, Service};

/// A service with an operation for each `METHOD /template`, named by it.
fn routes(templates: &[&str]) -> (Service, Routes) {
    let heading = Heading {
        name: "example".to_owned(),
        api_version: String::new(),
        service_id: String::new(),
        protocols: vec![Protocol::RestJson],
        endpoint_prefix: String::new(),
        signing_name: String::new(),
        target_prefix: None,
        event_source: String::new(),
    };
    let operations = templates.iter().map(|template| {
        let (method, uri) = template.split_once(' ').unwrap();
        Operation {
            name: (*template).to_owned(),
            method: method.to_owned(),
            uri: uri.to_owned(),
            input: None,
            output: None,
            result_wrapper: None,
            read_only: None,
            unsigned: false,
            deprecated: false,
            host_prefix: None,
        }
    });
    let service = Service { heading, operations: operations.collect(), shapes: Vec::new() };
    let routes = Routes::of(&service);
    (service, routes)
}

fn check(request: &str, expected: Option<(&str, &[&str])>) {
    let (service, routes) = routes(&[
        "GET /things",
        "GET /things/{id}",
        "GET /things/special",
        "GET /things/{id}/parts/",
        "GET /files/{path+}",
        "GET /files/{path+}/meta",
        "GET /files/{path+}?acl",
        "GET /files/{path+}?acl&version=2",
        "GET /@links/{id}",
    ]);
    let (method, uri) = request.split_once(' ').unwrap();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let query: Vec<(String, String)> = super::pairs(query).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let shown = Shown { method, path, query: &query, headers: &HeaderMap::new(), hint: None };
    let found = routes.find(&shown).map(|found| {
        let values: Vec<String> = found.labels.into_iter().map(|(_, value)| value).collect();
        (service.operations[found.operation].name.clone(), values)
    });
    let expected =
        expected.map(|(name, values)| (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()));
    assert_eq!(found, expected, "{request}");
}

#[test]
fn the_most_specific_template_wins() {
    check("GET /things", Some(("GET /things", &[])));
    check("GET /things/", Some(("GET /things", &[])));
    check("GET /things/1", Some(("GET /things/{id}", &["1"])));
    check("GET /things/special", Some(("GET /things/special", &[])));
    check("GET /things/special/parts", Some(("GET /things/{id}/parts/", &["special"])));
    check("GET /things/a%2Fb", Some(("GET /things/{id}", &["a/b"])));
    check("GET /%40links/1", Some(("GET /@links/{id}", &["1"])));
}

#[test]
fn greedy_labels_take_slashes() {
    check("GET /files/a/b//", Some(("GET /files/{path+}", &["a/b//"])));
    check("GET /files/a/meta", Some(("GET /files/{path+}/meta", &["a"])));
    check("GET /files/meta", Some(("GET /files/{path+}", &["meta"])));
    check("GET /files/", None);
}

#[test]
fn more_of_the_query_wins() {
    check("GET /files/a?acl", Some(("GET /files/{path+}?acl", &["a"])));
    check("GET /files/a?acl&version=2", Some(("GET /files/{path+}?acl&version=2", &["a"])));
    check("GET /files/a?acl&version=3", Some(("GET /files/{path+}?acl", &["a"])));
}

#[test]
fn what_has_no_template_has_no_operation() {
    check("PUT /things", None);
    check("GET /", None);
    check("GET /others", None);
    check("GET //things", None);
    check("GET things", None);
}
