//! Trying buckets when a trail is made.

use server::destinations::PreflightError;

use super::*;

/// The policy of AWS's documentation, for one trail.
fn documented(bucket: &str) -> String {
    let arn = arn("main");
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::{bucket}","Condition":{{"StringEquals":{{"aws:SourceArn":"{arn}"}}}}}},
        {{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}/*","Condition":{{"StringEquals":{{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"{arn}"}}}}}}]}}"#
    )
}

async fn preflight(site: &Site, strict_aws: bool, settings: &Settings) -> Result<(), PreflightError> {
    let destinations = Destinations::new(site.store.clone(), &Endpoint::default(), strict_aws).await;
    destinations.preflight(settings, &arn("main")).await
}

#[tokio::test]
async fn a_bucket_is_tried_as_deliveries_will_use_it() {
    let site = Site::new().await;
    assert_eq!(preflight(&site, false, &settings("main", "never-made")).await, Err(PreflightError::NoSuchBucket));
    let settings = Settings { s3_key_prefix: Some("pre".to_owned()), ..settings("main", BUCKET) };
    assert_eq!(preflight(&site, false, &settings).await, Ok(()));
    assert_eq!(
        site.keys_below(BUCKET, "").await,
        [format!("pre/AWSLogs/{ACCOUNT}/CloudTrail-Digest/"), format!("pre/AWSLogs/{ACCOUNT}/CloudTrail/")]
    );
    assert_eq!(preflight(&site, false, &settings).await, Ok(()), "markers may be there already");
}

#[tokio::test]
async fn a_policy_is_needed_under_strict_aws_and_between_accounts() {
    let site = Site::new().await;
    site.make_bucket("of-another", OTHER).await;
    for (bucket, strict_aws) in [(BUCKET, true), ("of-another", false), ("of-another", true)] {
        let settings = settings("main", bucket);
        assert_eq!(preflight(&site, strict_aws, &settings).await, Err(PreflightError::AccessDenied), "{bucket}");
        site.set_policy(bucket, Some(&documented(bucket))).await;
        assert_eq!(preflight(&site, strict_aws, &settings).await, Ok(()), "{bucket}");
        let elsewhere = Settings { s3_key_prefix: Some("pre".to_owned()), ..settings };
        assert_eq!(preflight(&site, strict_aws, &elsewhere).await, Err(PreflightError::AccessDenied), "{bucket}");
        site.set_policy(bucket, None).await;
    }
}

#[tokio::test]
async fn a_policy_that_is_for_another_trail_does_not_admit_this_one() {
    let site = Site::new().await;
    site.set_policy(BUCKET, Some(&documented(BUCKET).replace("trail/main", "trail/other"))).await;
    assert_eq!(preflight(&site, true, &settings("main", BUCKET)).await, Err(PreflightError::AccessDenied));
    assert_eq!(preflight(&site, false, &settings("main", BUCKET)).await, Ok(()), "nothing denies it");
}
