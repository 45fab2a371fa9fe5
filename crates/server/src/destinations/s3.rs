//! Buckets elsewhere: any S3 service, with the official client.

pub(super) mod reading;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption};
use cloudtrail::region::LEADER;

use super::{Object, PutError};
use crate::config;

/// How long a connection may take. A log file waits on disk meanwhile.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the first byte of an answer may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an upload of a few megabytes may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);
/// Where the head of a bucket says its Region.
const REGION_HEADER: &str = "x-amz-bucket-region";
/// Bucket names whose Regions are remembered.
const PLACES_MAX: usize = 10_000;

/// An S3 service.
pub(super) struct S3 {
    endpoint: Option<String>,
    region: String,
    credentials: SharedCredentialsProvider,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By Region.
    clients: HashMap<String, Client>,
    /// By bucket.
    places: HashMap<String, Bucket>,
}

/// What was learned of a bucket.
#[derive(Clone, Debug)]
struct Bucket {
    region: String,
    /// Whether it takes the header that asks for encryption; not all services do.
    encrypts: bool,
}

impl S3 {
    pub(super) async fn new(endpoint: &config::Endpoint) -> Self {
        let region = endpoint.region.clone().unwrap_or_else(|| LEADER.to_owned());
        let credentials = if let Some(profile) = &endpoint.profile {
            SharedCredentialsProvider::new(ProfileFileCredentialsProvider::builder().profile_name(profile).build())
        } else {
            let chain = DefaultCredentialsChain::builder().region(Region::new(region.clone()));
            SharedCredentialsProvider::new(chain.build().await)
        };
        Self { endpoint: endpoint.endpoint.clone(), region, credentials, state: Mutex::default() }
    }

    pub(super) async fn put(&self, object: &Object<'_>) -> Result<(), PutError> {
        let bucket = self.bucket(object.bucket).await?;
        let error = match self.put_with(&bucket, object).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.code.as_deref() {
            Some("NotImplemented") if bucket.encrypts => {
                let plain = Bucket { encrypts: false, ..bucket };
                self.put_with(&plain, object).await?;
                self.state().places.insert(object.bucket.to_owned(), plain);
                Ok(())
            }
            // The bucket is in another Region than it was.
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | PutError::NO_SUCH_BUCKET) => {
                self.state().places.remove(object.bucket);
                Err(error)
            }
            _ => Err(error),
        }
    }

    async fn put_with(&self, bucket: &Bucket, object: &Object<'_>) -> Result<(), PutError> {
        let Object { key, body, metadata, .. } = object;
        let mut put = self.client(&bucket.region).put_object().bucket(object.bucket).key(*key).body((*body).clone().into());
        let (content_type, content_encoding) = object.content();
        put = put.content_type(content_type).set_content_encoding(content_encoding.map(str::to_owned));
        put = put.acl(ObjectCannedAcl::BucketOwnerFullControl);
        if bucket.encrypts {
            put = put.server_side_encryption(ServerSideEncryption::Aes256);
        }
        for (name, value) in *metadata {
            put = put.metadata(*name, *value);
        }
        put.send().await.map(drop).map_err(|error: SdkError<PutObjectError>| refused(&error))
    }

    /// Whether the bucket's ACL can be read; services without ACLs are taken as they are.
    pub(super) async fn check_acl(&self, bucket: &str) -> Result<(), PutError> {
        let region = self.bucket(bucket).await?.region;
        match self.client(&region).get_bucket_acl().bucket(bucket).send().await {
            Ok(_) => Ok(()),
            Err(error) => match refused(&error) {
                error if matches!(error.code.as_deref(), Some("NotImplemented" | "MethodNotAllowed")) => Ok(()),
                error => Err(error),
            },
        }
    }

    /// What is known of a bucket; its Region is asked once.
    async fn bucket(&self, name: &str) -> Result<Bucket, PutError> {
        let known = self.state().places.get(name).cloned();
        if let Some(bucket) = known {
            return Ok(bucket);
        }
        let region = match self.client(&self.region).get_bucket_location().bucket(name).send().await {
            Ok(location) => region_of(location.location_constraint().map_or("", |location| location.as_str())).to_owned(),
            Err(error) => match refused(&error) {
                error if error.code.is_none() || error.is_no_such_bucket() => return Err(error),
                _ => self.region_in_header(name).await.unwrap_or_else(|| self.region.clone()),
            },
        };
        let bucket = Bucket { region, encrypts: true };
        let mut state = self.state();
        if state.places.len() >= PLACES_MAX {
            state.places.clear();
        }
        state.places.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// S3 names a bucket's Region to everyone who asks for its head, also in a refusal.
    async fn region_in_header(&self, name: &str) -> Option<String> {
        match self.client(&self.region).head_bucket().bucket(name).send().await {
            Ok(head) => head.bucket_region().map(str::to_owned),
            Err(error) => error.raw_response()?.headers().get(REGION_HEADER).map(str::to_owned),
        }
    }

    fn client(&self, region: &str) -> Client {
        let mut state = self.state();
        state.clients.entry(region.to_owned()).or_insert_with(|| self.connect(region)).clone()
    }

    /// A client that is set up by our configuration alone, not by the environment.
    fn connect(&self, region: &str) -> Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(self.credentials.clone())
            // Whoever delivers tries again, for as long as it takes.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(endpoint) = &self.endpoint {
            // Services other than AWS rarely have a host name for each bucket, or the newest checksums.
            config = config
                .endpoint_url(endpoint)
                .force_path_style(true)
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        }
        Client::from_conf(config.build())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Region that a location constraint means; two old values are no names of Regions.
fn region_of(location: &str) -> &str {
    match location {
        "" => LEADER,
        "EU" => "eu-west-1",
        region => region,
    }
}

/// What S3 said. An answer without a code is named after its status; no answer has no code.
fn refused<E>(error: &SdkError<E>) -> PutError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    SdkError<E>: std::error::Error,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = match (error.as_service_error().and_then(ProvideErrorMetadata::code), status) {
        (Some(code), _) => Some(code),
        (None, Some(403)) => Some(PutError::ACCESS_DENIED),
        (None, Some(404)) => Some(PutError::NO_SUCH_BUCKET),
        (None, Some(503)) => Some("SlowDown"),
        (None, Some(_)) => Some("InternalError"),
        (None, None) => None,
    };
    PutError { code: code.map(str::to_owned), message: DisplayErrorContext(error).to_string() }
}
