//! The S3 service: a request comes in, s3s tells what it is, the store does it, and the call is told of.

use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloudtrail::account::AccountId;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, S3Result, s3_error};

use super::access::{Call, Gate};
use super::answer::{self, Ids};
use super::called::Audit;
use super::calls::Calls;
use super::checksum::{self, Algorithm};
use super::error::Error;
use super::store::Store;
use super::{content, limits, query, signature};
use crate::listener::{self, Connection};

type StdError = Box<dyn std::error::Error + Send + Sync>;
/// What s3s's traits want of an async function.
pub(super) type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whom an access key belongs to.
#[derive(Clone)]
pub struct Root {
    /// The key's secret.
    pub secret: String,
    /// The account whose root it is.
    pub account: AccountId,
    /// The token that must come with a key made for a while; such a key opens the system bucket and nothing else.
    pub session_token: Option<String>,
}

/// Finds whom an access key belongs to.
pub type Roots = Arc<dyn Fn(&str) -> Option<Root> + Send + Sync>;

/// Fills bytes with chance.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the service needs besides the store.
#[derive(Clone)]
pub struct Options {
    /// Finds whom an access key belongs to.
    pub roots: Roots,
    /// The Regions that may be signed for.
    pub regions: Vec<String>,
    /// With a domain, `BUCKET.DOMAIN` as Host names the bucket, without port.
    pub domain: Option<String>,
    /// Who is told of calls.
    pub audit: Audit,
    /// Where the ids of requests come from.
    pub random: Random,
}

/// Answers S3 requests; clones share everything.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    s3: S3Service,
    store: Store,
    options: Options,
}

impl Service {
    /// Serves the buckets of a store.
    pub fn new(store: Store, options: Options) -> Self {
        let mut builder = S3ServiceBuilder::new(Calls::new(store.clone()));
        let mut config = S3Config::default();
        config.xml_max_body_size = limits::DOCUMENT_BYTES_MAX;
        config.presigned_url_max_skew_time_secs = limits::SKEW_S_MAX;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(Secrets(Arc::clone(&options.roots)));
        builder.set_access(Gate::new(store.clone()));
        builder.set_host(Hosts { domain: options.domain.clone() });
        Self { inner: Arc::new(Inner { s3: builder.build(), store, options }) }
    }

    /// Answers a request. Once begun it is carried out to its end, and told of, even if the client does not wait.
    pub async fn call<B>(&self, connection: &Connection, request: Request<B>) -> Response<listener::Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        StdError: From<B::Error>,
    {
        let (inner, connection) = (Arc::clone(&self.inner), connection.clone());
        let request = request.map(Body::http_body_unsync);
        let answering = tokio::spawn(async move { inner.answer(connection, request).await });
        let response = answering.await.unwrap_or_else(|error| {
            tracing::error!(%error, "answering an S3 request panicked");
            let ids = self.inner.ids();
            answer::finish(answer::refused(Error::refused("InternalError", "")), &ids, "").0
        });
        response.map(BodyExt::boxed_unsync)
    }
}

impl Inner {
    async fn answer(&self, connection: Connection, mut request: Request<Body>) -> Response<Body> {
        let ids = self.ids();
        let resource = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
        let call = match self.begin(&ids, connection, &mut request).await {
            Ok(call) => Arc::new(call),
            Err(error) => return answer::finish(answer::refused(error), &ids, &resource).0,
        };
        request.extensions_mut().insert(Arc::clone(&call));
        let response = match self.s3.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = %StdError::from(error), "s3s gave no answer");
                answer::refused(Error::refused("InternalError", ""))
            }
        };
        let (response, error) = answer::finish(response, &ids, &resource);
        if let Some(called) = call.over(error, http_body::Body::size_hint(response.body()).exact().unwrap_or(0)) {
            (self.options.audit.called)(called).await;
        }
        response
    }

    /// Checks all that s3s does not, and notes what is known of the call.
    async fn begin(&self, ids: &Ids, connection: Connection, request: &mut Request<Body>) -> Result<Call, Error> {
        let claim = signature::inspect(request, &self.options.regions)?;
        let root = (self.options.roots)(&claim.access_key).ok_or_else(unknown_key)?;
        signature::check_session_token(request, root.session_token.as_deref())?;
        if is_form(request) {
            return Err(Error::not_implemented(super::unsupported::message("PostObject")));
        }
        if self.has_document(request) {
            check_document(request).await?;
        }
        let headers = request.headers();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let host = text(HOST).or_else(|| request.uri().authority().map(ToString::to_string));
        Ok(Call::new(super::access::Known {
            ids: ids.clone(),
            at_us: self.store.clock.now_us(),
            connection,
            host,
            user_agent: text(USER_AGENT),
            claim,
            regions: self.options.regions.clone(),
            account: root.account,
            lake_only: root.session_token.is_some(),
            bytes_in: body_length(headers),
            headers: headers.clone(),
            query: query::pairs(request.uri()),
            audit: self.options.audit.clone(),
        }))
    }

    /// Whether the body is a document, not the bytes of an object.
    fn has_document(&self, request: &Request<Body>) -> bool {
        if request.method() != Method::PUT {
            return request.method() == Method::POST;
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let path = request.uri().path().trim_start_matches('/');
        let key = match virtual_bucket(self.options.domain.as_deref(), host) {
            Some(_) => path,
            None => path.split_once('/').map_or("", |(_, key)| key),
        };
        let of_object = ["acl", "tagging", "legal-hold", "retention"];
        key.is_empty() || query::pairs(request.uri()).iter().any(|(name, _)| of_object.contains(&name.as_str()))
    }

    fn ids(&self) -> Ids {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut chance = [0; 64];
        (self.options.random)(&mut chance);
        let (first, rest) = chance.split_at(16);
        let request_id = first.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        Ids { request_id, id2: STANDARD.encode(rest) }
    }
}

fn unknown_key() -> Error {
    Error::refused("InvalidAccessKeyId", super::error::usual_message("InvalidAccessKeyId"))
}

/// Whether the request is an upload from an HTML form, which is authenticated by its body.
fn is_form(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    request.method() == Method::POST && kind.is_some_and(|kind| kind.starts_with(b"multipart/form-data"))
}

fn body_length(headers: &HeaderMap) -> u64 {
    let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    number("x-amz-decoded-content-length").or_else(|| number(CONTENT_LENGTH.as_str())).unwrap_or(0)
}

/// Reads a document and checks it against Content-MD5 and checksum headers; s3s checks only what is signed.
async fn check_document(request: &mut Request<Body>) -> Result<(), Error> {
    let body = std::mem::take(request.body_mut());
    let bytes = match Limited::new(body, limits::DOCUMENT_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Error::refused("MaxMessageLengthExceeded", "Your request was too big."));
        }
        Err(error) => return Err(content::broken_body(&error)),
    };
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(md5) = text("content-md5")
        && content::parse_md5(md5)? != <s3s::crypto::Md5 as s3s::crypto::Checksum>::checksum(&bytes)
    {
        return Err(Error::refused("BadDigest", "The Content-MD5 you specified did not match what we received."));
    }
    let completes = query::pairs(request.uri()).iter().any(|(name, _)| name == "uploadId");
    for algorithm in Algorithm::ALL.into_iter().filter(|_| !completes) {
        if text(algorithm.header()).is_some_and(|value| value != checksum::of(algorithm, &bytes)) {
            let message = format!("The {} you specified did not match the calculated checksum.", algorithm.as_str());
            return Err(Error::refused("BadDigest", message));
        }
    }
    *request.body_mut() = Body::from(bytes);
    Ok(())
}

/// The bucket that a Host names, with a domain of ours.
fn virtual_bucket<'a>(domain: Option<&str>, host: &'a str) -> Option<&'a str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix(domain?)?.strip_suffix('.').filter(|bucket| !bucket.is_empty())
}

/// Tells s3s the bucket a Host names. Any other Host is a name of ours, and the bucket is in the path.
struct Hosts {
    domain: Option<String>,
}

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let named = VirtualHost::new(host);
        Ok(match virtual_bucket(self.domain.as_deref(), host) {
            Some(bucket) => named.with_bucket(bucket),
            None => named,
        })
    }
}

/// Gives s3s the secrets to verify signatures with.
struct Secrets(Roots);

impl S3Auth for Secrets {
    fn get_secret_key<'life0, 'life1, 'async_trait>(
        &'life0 self,
        access_key: &'life1 str,
    ) -> Answering<'async_trait, S3Result<SecretKey>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        let found = (self.0)(access_key).map(|root| SecretKey::from(root.secret));
        Box::pin(async move { found.ok_or_else(|| S3Error::from(unknown_key())) })
    }
}

/// An answer for what cannot happen: s3s asks only what [`Gate`] let through.
pub(super) fn lost() -> S3Error {
    s3_error!(InternalError, "the call lost its context")
}
