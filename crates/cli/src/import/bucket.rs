//! Log files in a bucket: listed page by page, many fetched at a time.

mod files;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_sdk_s3::operation::list_objects_v2::paginator::ListObjectsV2Paginator;
use aws_sdk_s3::types::Object;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::archive::{self, Packing};
use super::names;
use super::progress::Total;
use super::source::Desk;
use super::state::Mark;
use super::tally::Damage;
use crate::exit::Failure;

/// Objects fetched at a time: the first byte of each takes some 30 ms from S3.
const FETCHES: usize = 64;
/// Memory for objects being fetched, in KiB; a single one has at most 60 MiB.
const FETCH_KIB_MAX: u32 = 128 << 10;
/// Pages of a listing (1,000 keys each) read ahead of the fetches.
const PAGES_AHEAD: usize = 4;
/// Attempts at a call, the first included.
const ATTEMPTS: u32 = 5;
/// Attempts at an object whose bytes broke off.
const BODY_ATTEMPTS: u32 = 3;
const BODY_PAUSE: Duration = Duration::from_millis(500);

/// How to reach the bucket; nothing of this is taken from AWS_ENDPOINT_URL, which names the server.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "bucket")]
#[command(next_help_heading = "The bucket to read")]
pub(crate) struct Arguments {
    /// Where the bucket is, if not at AWS.
    #[arg(id = "source_endpoint_url", long = "source-endpoint-url", value_name = "URL")]
    endpoint_url: Option<String>,
    /// The profile whose credentials read it; ~/.aws/credentials is looked at, too.
    #[arg(id = "source_profile", long = "source-profile", value_name = "NAME")]
    profile: Option<String>,
    /// Its Region.
    #[arg(id = "source_region", long = "source-region", value_name = "REGION")]
    region: Option<String>,
}

impl Arguments {
    /// The buckets of a server.
    pub(crate) fn at(endpoint_url: &str, profile: Option<&str>, region: Option<&str>) -> Self {
        Self {
            endpoint_url: Some(endpoint_url.to_owned()),
            profile: profile.map(str::to_owned),
            region: region.map(str::to_owned),
        }
    }

    /// Whether anything was given.
    pub(crate) fn any(&self) -> bool {
        self.endpoint_url.is_some() || self.profile.is_some() || self.region.is_some()
    }
}

/// A bucket, or the part of it below a prefix.
pub(crate) struct Bucket {
    client: Client,
    endpoint: Option<String>,
    name: String,
    prefix: String,
}

/// A log file in the bucket.
#[derive(Clone, Debug)]
struct Found {
    key: String,
    size: u64,
    mark: Mark,
}

/// Why an object was not had.
enum Unfetched {
    /// It is this object's fault.
    Damaged(Damage),
    /// It is not.
    Unreachable(String),
}

impl Bucket {
    /// The bucket of that URL, once a listing of it works.
    pub(super) async fn open(url: &str, arguments: &Arguments) -> Result<Self, Failure> {
        let rest = url.strip_prefix("s3://").unwrap_or(url);
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(Failure::Usage(format!("{url} names no bucket")));
        }
        let config = configuration(arguments).await;
        let region = arguments.region.clone().or_else(|| config.region().map(ToString::to_string));
        let endpoint = arguments.endpoint_url.clone();
        let client = |region: String| client(&config, endpoint.clone(), region);
        let mut bucket = Self {
            client: client(region.unwrap_or_else(|| "us-east-1".to_owned())),
            endpoint: endpoint.clone(),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
        };
        match bucket.probe().await {
            Ok(()) => {}
            Err(error) if arguments.region.is_none() && elsewhere(&error).is_some() => {
                bucket.client = client(elsewhere(&error).unwrap_or_default());
                bucket.probe().await.map_err(|error| bucket.unlisted(&error))?;
            }
            Err(error) => return Err(bucket.unlisted(&error)),
        }
        Ok(bucket)
    }

    async fn probe(&self) -> Result<(), SdkError<ListObjectsV2Error>> {
        self.client.list_objects_v2().bucket(&self.name).prefix(&self.prefix).max_keys(1).send().await.map(drop)
    }

    /// What tells it from others.
    pub(super) fn identity(&self) -> String {
        format!("s3 {} {}/{}", self.endpoint.as_deref().unwrap_or("aws"), self.name, self.prefix)
    }

    /// Counts the log files; whether it came to the end.
    pub(super) async fn count(&self, total: &Arc<Total>, stop: &CancellationToken) -> bool {
        let counting = async {
            let mut pages = self.listing().send();
            while let Some(page) = pages.next().await {
                let Ok(page) = page else { return false };
                let files = page.contents().iter().filter(|object| skip(object).is_none()).count();
                total.files.fetch_add(files as u64, Ordering::Relaxed);
            }
            true
        };
        tokio::select! {
            () = stop.cancelled() => false,
            counted = counting => counted,
        }
    }

    fn listing(&self) -> ListObjectsV2Paginator {
        self.client.list_objects_v2().bucket(&self.name).prefix(&self.prefix).into_paginator()
    }

    /// Packs every log file.
    pub(super) async fn pack(&self, desk: Desk) -> Result<(), Failure> {
        let (pages, listed) = mpsc::channel(PAGES_AHEAD);
        let (listing, packing) = tokio::join!(self.list(pages, &desk), self.fetch(listed, &desk));
        packing.and(listing)
    }

    /// Lists log files until there are no more, or nobody wants them.
    async fn list(&self, pages: mpsc::Sender<Vec<Found>>, desk: &Desk) -> Result<(), Failure> {
        let mut listing = self.listing().send();
        while let Some(page) = listing.next().await {
            let page = page.map_err(|error| self.unlisted(&error))?;
            let found = page.contents().iter().filter_map(|object| self.sift(object, desk)).collect();
            if pages.send(found).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// An object that is to be sent.
    fn sift(&self, object: &Object, desk: &Desk) -> Option<Found> {
        if let Some(skip) = skip(object) {
            desk.tally.skipped(skip, 1);
            return None;
        }
        let key = object.key()?.to_owned();
        let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        let mark = Mark::of(key.as_bytes(), size, object.e_tag().unwrap_or_default().as_bytes());
        if desk.done.has(mark) {
            desk.tally.done_before(1);
            return None;
        }
        if let Err(damage) = archive::fits(size) {
            desk.tally.damaged(self.url(&key), damage);
            return None;
        }
        Some(Found { key, size, mark })
    }

    /// Fetches and packs what is listed, in the order in which it arrives.
    async fn fetch(&self, listed: mpsc::Receiver<Vec<Found>>, desk: &Desk) -> Result<(), Failure> {
        let room = Arc::new(Semaphore::new(FETCH_KIB_MAX as usize));
        let found = stream::unfold(listed, |mut listed| async { listed.recv().await.map(|page| (stream::iter(page), listed)) });
        let fetching = found.flatten().map(|found| self.get(found, Arc::clone(&room)));
        let mut fetched = std::pin::pin!(fetching.buffer_unordered(FETCHES));
        let mut packing = Packing::default();
        loop {
            let next = tokio::select! {
                // The import was stopped: what is still on its way would come for nothing.
                () = desk.archives.closed() => return Ok(()),
                next = fetched.next() => next,
            };
            let Some((found, content, _room)) = next else { break };
            let added = match content {
                Ok(content) => packing.add(self.url(&found.key), found.mark, |body| {
                    body.extend_from_slice(&content);
                    Ok(())
                }),
                Err(Unfetched::Damaged(damage)) => Err(damage),
                Err(Unfetched::Unreachable(reason)) => return Err(Failure::Unreachable(reason)),
            };
            match added {
                Ok(None) => {}
                Ok(Some(archive)) => {
                    if desk.archives.send(archive).await.is_err() {
                        return Ok(());
                    }
                }
                Err(damage) => desk.tally.damaged(self.url(&found.key), damage),
            }
        }
        if let Some(archive) = packing.finish() {
            // Nobody takes it if the import was stopped.
            let _ = desk.archives.send(archive).await;
        }
        Ok(())
    }

    /// An object, and the room its bytes take.
    async fn get(&self, found: Found, room: Arc<Semaphore>) -> (Found, Result<Bytes, Unfetched>, Option<OwnedSemaphorePermit>) {
        let kib = u32::try_from(found.size / 1024 + 1).unwrap_or(FETCH_KIB_MAX).min(FETCH_KIB_MAX);
        let room = room.acquire_many_owned(kib).await.ok();
        let mut attempt = 1;
        loop {
            match self.get_once(&found).await {
                Err(Unfetched::Unreachable(_)) if attempt < BODY_ATTEMPTS => tokio::time::sleep(BODY_PAUSE * attempt).await,
                content => return (found, content, room),
            }
            attempt += 1;
        }
    }

    async fn get_once(&self, found: &Found) -> Result<Bytes, Unfetched> {
        let object = self.client.get_object().bucket(&self.name).key(&found.key).send().await;
        let object = object.map_err(|error| self.ungot(found, &error))?;
        let size = object.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        // It may have been replaced since it was listed.
        archive::fits(size).map_err(Unfetched::Damaged)?;
        let body = object.body.collect().await.map_err(|error| {
            Unfetched::Unreachable(format!("{} broke off: {}", self.url(&found.key), DisplayErrorContext(&error)))
        })?;
        Ok(body.into_bytes())
    }

    fn ungot(&self, found: &Found, error: &SdkError<GetObjectError>) -> Unfetched {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        match code {
            Some(code @ ("NoSuchKey" | "AccessDenied" | "InvalidObjectState" | "KMS.DisabledException")) => {
                let message = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or("it cannot be fetched");
                Unfetched::Damaged(Damage::new(code, message))
            }
            _ => Unfetched::Unreachable(format!("cannot fetch {}: {}", self.url(&found.key), DisplayErrorContext(error))),
        }
    }

    fn unlisted(&self, error: &SdkError<ListObjectsV2Error>) -> Failure {
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code);
        let reason = match (code, service.and_then(ProvideErrorMetadata::message)) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or("refused")),
            _ => DisplayErrorContext(error).to_string(),
        };
        let hint = match code {
            Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AccessDenied") => {
                "\nhint: --source-profile and --source-endpoint-url say with whose keys the bucket is read, and where"
            }
            _ => "",
        };
        Failure::Unreachable(format!("cannot list s3://{}/{}: {reason}{hint}", self.name, self.prefix))
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }
}

fn skip(object: &Object) -> Option<names::Skip> {
    let key = object.key().unwrap_or_default();
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    if name.is_empty() { Some(names::Skip::Marker) } else { names::of_file(names::of_folder(folder), name) }
}

/// Credentials and Region to read with. A named profile is also looked for in `~/.aws/credentials`, since
/// AWS_SHARED_CREDENTIALS_FILE names the file with the server's keys.
async fn configuration(arguments: &Arguments) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(profile) = &arguments.profile {
        loader = named_profile(loader, profile);
    }
    loader.load().await
}

#[expect(deprecated, reason = "the new names of these types are in aws-runtime, which is no other use to us")]
fn named_profile(loader: ConfigLoader, profile: &str) -> ConfigLoader {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    let mut files = ProfileFiles::builder().include_default_config_file(true).include_default_credentials_file(true);
    // Whoever has keys by `aws sso login` or from a program need not have the file.
    if let Some(path) = std::env::home_dir().map(|home| home.join(".aws/credentials")).filter(|path| path.is_file()) {
        files = files.with_file(ProfileFileKind::Credentials, path);
    }
    let files = files.build();
    let provider = ProfileFileCredentialsProvider::builder().profile_files(files.clone()).profile_name(profile).build();
    loader.profile_files(files).profile_name(profile).credentials_provider(provider)
}

/// A client for the bucket's endpoint, or AWS's where there is none; whatever endpoint the environment names is the
/// server's, so the configuration is not taken over whole.
fn client(config: &SdkConfig, endpoint: Option<String>, region: String) -> Client {
    let path_style = endpoint.is_some();
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .force_path_style(path_style);
    builder.set_credentials_provider(config.credentials_provider());
    builder.set_endpoint_url(endpoint);
    Client::from_conf(builder.build())
}

/// The Region that S3 says the bucket is in, when it was asked for in another.
fn elsewhere(error: &SdkError<ListObjectsV2Error>) -> Option<String> {
    let response = error.raw_response()?;
    let redirected = response.status().as_u16() == 301 || response.status().as_u16() == 400;
    response.headers().get("x-amz-bucket-region").filter(|_| redirected).map(str::to_owned)
}
