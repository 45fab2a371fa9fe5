//! Talking to a server: `--endpoint-url` or AWS_ENDPOINT_URL, credentials and Region from the AWS standard chain.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use reqwest::Url;
use serde::Deserialize;

use crate::exit::Failure;

/// How long a connection may take to come about. Own choice: a server far away answers within a second.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Silence on a connection after which the other side is asked whether it is still there. Own choice.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What the targets of CloudTrail's operations begin with (service model).
const TARGET_PREFIX: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.";
/// Pauses before a call is made again that came too soon. Own choice.
const THROTTLED_PAUSE: Duration = Duration::from_millis(200);
const THROTTLED_PAUSE_MAX: Duration = Duration::from_secs(3);

/// Which server to talk to, and as whom.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "server")]
#[command(next_help_heading = "The server")]
pub(crate) struct Arguments {
    /// The server's URL; AWS_ENDPOINT_URL without it.
    #[arg(long, value_name = "URL", global = true)]
    endpoint_url: Option<String>,
    /// A profile of the AWS configuration.
    #[arg(long, global = true)]
    profile: Option<String>,
    /// The Region to ask, and the only one that lookup and tail show; AWS_DEFAULT_REGION or the profile's without it.
    #[arg(long, global = true)]
    region: Option<String>,
}

impl Arguments {
    /// The Region, if one was given as a flag.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The profile, if one was given as a flag.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }
}

/// A server and the caller's keys.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    region: String,
    credentials: Credentials,
}

/// What the server says when it refuses.
#[derive(Debug, Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
    message: String,
}

impl Client {
    /// A client for the server that flags, environment and AWS configuration name.
    pub(crate) async fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest());
        if let Some(profile) = &arguments.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let endpoint = arguments.endpoint_url.clone().or_else(|| config.endpoint_url().map(str::to_owned)).ok_or_else(|| {
            Failure::Usage(
                "no server named\nhint: set AWS_ENDPOINT_URL (`trailkeep serve` prints it) or give --endpoint-url".into(),
            )
        })?;
        let endpoint = Url::parse(&endpoint).map_err(|error| Failure::Usage(format!("--endpoint-url {endpoint}: {error}")))?;
        let region = arguments.region.clone().or_else(|| config.region().map(ToString::to_string));
        let provider = config.credentials_provider().context("no credentials")?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(|error| anyhow!("no credentials: {error}\nhint: `trailkeep serve` prints a line that sets them"))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("trailkeep/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .tcp_keepalive(KEEPALIVE)
            .build();
        let http = http.context("cannot set up TLS")?;
        Ok(Self { http, endpoint, region: region.unwrap_or_else(|| "us-east-1".to_owned()), credentials })
    }

    /// The server's URL.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The Region that requests are signed for.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Sends a signed request and returns the answer once its head is there.
    pub(crate) async fn send(
        &self,
        method: &str,
        path_and_query: &str,
        media_type: &str,
        body: Bytes,
    ) -> anyhow::Result<reqwest::Response> {
        self.send_with(method, path_and_query, &[("content-type", media_type)], body).await
    }

    async fn send_with(
        &self,
        method: &str,
        path_and_query: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> anyhow::Result<reqwest::Response> {
        let url = self.endpoint.join(path_and_query).context("the path does not fit the endpoint")?;
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let request = http::Request::builder().method(method).uri(url.as_str()).header("host", host);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(body.clone()).context("cannot make the request")?;
        self.sign(&mut request)?;
        let (parts, _) = request.into_parts();
        let mut sending = self.http.request(parts.method, url).body(body);
        for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
            sending = sending.header(name, value);
        }
        sending.send().await.map_err(|error| Failure::Unreachable(format!("cannot reach {}: {error}", self.endpoint)).into())
    }

    /// Sends a signed request; an answer other than 200 is an error with the server's words.
    pub(crate) async fn call(&self, method: &str, path: &str, media_type: &str, body: Bytes) -> anyhow::Result<Bytes> {
        answer(self.send(method, path, media_type, body).await?).await
    }

    /// Calls an operation of CloudTrail's API. A server that cannot answer now counts as one that cannot be reached.
    pub(crate) async fn operation(&self, name: &str, input: &serde_json::Value) -> anyhow::Result<Bytes> {
        let target = format!("{TARGET_PREFIX}{name}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let body = Bytes::from(input.to_string());
        let mut pause = THROTTLED_PAUSE;
        loop {
            let response = self.send_with("POST", "/", &headers, body.clone()).await?;
            let is_ours = !response.status().is_server_error();
            match answer(response).await {
                Err(error) if is_throttled(&error) && pause <= THROTTLED_PAUSE_MAX => tokio::time::sleep(pause).await,
                Err(error) if !is_ours => return Err(Failure::Unreachable(format!("{error:#}")).into()),
                answer => return answer,
            }
            pause *= 2;
        }
    }

    fn sign(&self, request: &mut http::Request<Bytes>) -> anyhow::Result<()> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
        #[expect(clippy::disallowed_methods, reason = "a signature carries the client's own time")]
        let now = SystemTime::now();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("cloudtrail")
            .time(now)
            .settings(settings)
            .build()
            .context("cannot sign")?;
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers,
            SignableBody::Bytes(request.body()),
        )
        .context("cannot sign")?;
        let (instructions, _) = sign(signable, &parameters.into()).context("cannot sign")?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

/// The body of an answer; one that is no success is an error with the server's words.
async fn answer(response: reqwest::Response) -> anyhow::Result<Bytes> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| Failure::Unreachable(format!("the answer broke off: {error}")))?;
    if status.is_success() { Ok(body) } else { Err(refused(status.as_u16(), &body)) }
}

fn is_throttled(error: &anyhow::Error) -> bool {
    error.to_string().starts_with("ThrottlingException")
}

/// The server's refusal as an error.
pub(crate) fn refused(status: u16, body: &[u8]) -> anyhow::Error {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => anyhow!("{}: {}", refusal.code, refusal.message),
        Err(_) => anyhow!("the server answered {status}: {}", String::from_utf8_lossy(body).trim()),
    }
}
