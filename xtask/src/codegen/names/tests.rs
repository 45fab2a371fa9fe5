use super::{pattern, screaming, snake};

#[test]
fn members_become_rust_fields() {
    for (name, field) in [
        ("S3BucketName", "s3_bucket_name"),
        ("SnsTopicARN", "sns_topic_arn"),
        ("TrailARN", "trail_arn"),
        ("SQL", "sql"),
        ("Type", "type_"),
        ("trailNameList", "trail_name_list"),
        ("DeliveryS3Uri", "delivery_s3_uri"),
        ("LatestIngestionSuccessEventID", "latest_ingestion_success_event_id"),
    ] {
        assert_eq!(snake(name), field);
    }
    assert_eq!(screaming("Type"), "TYPE");
}

#[test]
fn java_patterns_become_rust_patterns() {
    assert_eq!(pattern(r"\d+"), r"\A(?:[0-9]+)\z");
    assert_eq!(pattern(r"[\w|\d|\.|_]+"), r"\A(?:[[0-9A-Za-z_]|[0-9]|\.|_]+)\z");
    assert_eq!(pattern(r"[\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*"), r"\A(?:[\u{FFFD}\u{10000}-\u{10FFFF}\t]*)\z");
}
