use super::*;

#[test]
fn paths_say_what_is_asked_for() {
    let check = |path: &str, expected: Asked| assert_eq!(Asked::of(path), expected, "{path}");
    let text = str::to_owned;
    check("/iceberg/v1/config", Asked::Config);
    check("/iceberg/v1/namespaces", Asked::Namespaces);
    check("/iceberg/v1/namespaces/", Asked::Namespaces);
    check("/iceberg/v1/namespaces/aws%3Acloudtrail", Asked::Namespace(text("aws:cloudtrail")));
    check("/iceberg/v1/namespaces/aws:cloudtrail/tables", Asked::Tables(text("aws:cloudtrail")));
    check("/iceberg/v1/namespaces/a%1Fb/tables/t", Asked::Table(text("a\u{1f}b"), text("t")));
    check("/iceberg/v1/namespaces/a/tables/t%2Fu/credentials", Asked::Credentials(text("a"), text("t/u")));
    check("/iceberg/v1/namespaces/a/views", Asked::Views(text("a")));
    check("/iceberg/v1/oauth/tokens", Asked::Token);
    for path in ["/iceberg/", "/iceberg/v2/config", "/iceberg/v1", "/iceberg/v1/namespaces/a/tables/t/metrics"] {
        check(path, Asked::Nothing);
    }
}

#[test]
fn a_namespace_has_one_level_and_one_of_two_names() {
    for name in NAMESPACES {
        assert_eq!(tables::namespace(name).unwrap()["namespace"][0], name);
    }
    for name in ["", "aws", "aws:cloudtrail\u{1f}x", "AWS:CLOUDTRAIL"] {
        assert_eq!(tables::namespace(name).unwrap_err(), Refusal::no_such_namespace(&name.replace('\u{1f}', ".")));
    }
}
