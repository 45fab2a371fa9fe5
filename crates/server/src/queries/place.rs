//! Where the results of a query are delivered: `s3://bucket[/prefix]`, and the folder below it.

use cloudtrail::account::AccountId;
use cloudtrail::event::time_text;
use cloudtrail::trail::{Invalid, check_bucket_name, check_key_prefix};

/// A bucket and what keys begin with there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a `/` at its end.
    pub prefix: Option<String>,
}

impl Place {
    /// Reads a DeliveryS3Uri.
    pub fn parse(uri: &str) -> Result<Self, Invalid> {
        let path = uri.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        check_bucket_name(bucket)?;
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        check_key_prefix(prefix)?;
        if prefix.split('/').any(str::is_empty) && !prefix.is_empty() {
            return Err(Invalid::KeyPrefix("S3 key prefix must not contain empty path segments.".to_owned()));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()) })
    }

    /// The folder of an account's query results.
    pub fn root(&self, account: AccountId) -> String {
        let prefix = self.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        format!("{prefix}AWSLogs/{account}/CloudTrail-Lake/Query/")
    }

    /// The folder of the results of one query, by the day on which it was started.
    pub fn folder(&self, account: AccountId, created_s: i64, query_id: &str) -> String {
        let day = time_text(created_s).get(..10).unwrap_or_default().replace('-', "/");
        format!("{}{day}/{query_id}/", self.root(account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_a_bucket_and_perhaps_a_prefix() {
        let place = |bucket: &str, prefix: Option<&str>| Place { bucket: bucket.to_owned(), prefix: prefix.map(str::to_owned) };
        assert_eq!(Place::parse("s3://results").unwrap(), place("results", None));
        assert_eq!(Place::parse("s3://results/").unwrap(), place("results", None));
        assert_eq!(Place::parse("s3://results/a/b/").unwrap(), place("results", Some("a/b")));
        let folder = place("results", Some("a/b")).folder("123456789012".parse().unwrap(), 1_700_000_000, "id");
        assert_eq!(folder, "a/b/AWSLogs/123456789012/CloudTrail-Lake/Query/2023/11/14/id/");
    }

    #[test]
    fn what_no_bucket_or_prefix_can_be_is_refused() {
        for uri in ["s3://10.0.0.1", "s3://a..b", "results", "s3://UPPER/x"] {
            assert!(matches!(Place::parse(uri), Err(Invalid::BucketName(_))), "{uri}");
        }
        for uri in ["s3://results/a/../b", "s3://results//a", "s3://results/a\nb", "s3://results/a//"] {
            assert!(matches!(Place::parse(uri), Err(Invalid::KeyPrefix(_))), "{uri}");
        }
    }
}
