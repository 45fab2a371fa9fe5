//! Who may do what: the walls between accounts, bucket policies, and what is known of a call.
//!
//! A bucket belongs to an account, whose root may do everything with it that the bucket's policy does not deny; the
//! policy itself the root can always change. Others need the policy to allow them. Nobody is let in unsigned.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use catalog::buckets::{Bucket, Setting};
use cloudtrail::account::AccountId;
use cloudtrail::policy::{self, Decision, Policy, Principal};
use http::HeaderMap;
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Error, S3Result};
use serde_json::Value;

use super::answer::Ids;
use super::called::{Audit, Called, Method};
use super::calls::settings;
use super::error::Error;
use super::operations::{self, Kind, Operation, Target};
use super::service::{Answering, lost};
use super::signature::Claim;
use super::store::Store;
use super::{lake, query, unsupported};
use crate::listener::Connection;

/// Headers that records show among the parameters.
const RECORDED_HEADERS: [&str; 11] = [
    "x-amz-acl",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-expected-bucket-owner",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-tagging-directive",
];
/// The operations on the policy itself: a Deny in it does not keep the owner's root from them, or nobody could ever
/// mend it (S3 user guide, "Bucket policies").
const ON_THE_POLICY: [&str; 3] = ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];

/// What is known of a call when it comes.
pub(super) struct Known {
    pub(super) ids: Ids,
    pub(super) at_us: i64,
    pub(super) connection: Connection,
    pub(super) host: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) claim: Claim,
    /// The Regions there are.
    pub(super) regions: Vec<String>,
    pub(super) account: AccountId,
    /// Whether the key opens the system bucket and nothing else.
    pub(super) lake_only: bool,
    pub(super) bytes_in: u64,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<(String, String)>,
    pub(super) audit: Audit,
}

/// A call under way.
pub(super) struct Call {
    pub(super) known: Known,
    learnt: Mutex<Learnt>,
}

/// What is learnt of a call while it is under way.
#[derive(Default)]
struct Learnt {
    operation: Option<Named>,
    bucket_name: Option<String>,
    bucket: Option<Bucket>,
    key: Option<String>,
    documents: Vec<(&'static str, Value)>,
    recorded: bool,
}

#[derive(Clone, Copy)]
enum Named {
    Known(&'static Operation),
    Unsupported(&'static str),
}

impl Call {
    pub(super) fn new(known: Known) -> Self {
        Self { known, learnt: Mutex::default() }
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().expect("nothing panics while it holds the lock")
    }

    pub(super) fn bucket(&self) -> Option<Bucket> {
        self.learnt().bucket.clone()
    }

    /// Notes a document of the body for the record.
    pub(super) fn note(&self, name: &'static str, document: Value) {
        self.learnt().documents.push((name, document));
    }

    /// The record to commit with the change the call makes.
    pub(super) fn record(&self) -> Option<Vec<u8>> {
        let called = self.over(None, 0)?;
        let record = (self.known.audit.record)(&called)?;
        self.learnt().recorded = true;
        Some(record)
    }

    /// All that there is to tell of the call; None when nobody is known to have called anything.
    pub(super) fn over(&self, error: Option<(String, String)>, bytes_out: u64) -> Option<Called> {
        let learnt = self.learnt();
        let (operation, management, read_only) = match learnt.operation? {
            Named::Known(operation) => (operation.event_name, operation.kind == Kind::Management, operation.read_only),
            Named::Unsupported(name) => (name, !cloudtrail::record::s3::is_object_level(name), is_read(name)),
        };
        let known = &self.known;
        let listed = known.query.iter().find(|(name, _)| name == "prefix").map(|(_, value)| value.clone());
        let recorded = learnt.recorded && error.is_none();
        Some(Called {
            operation,
            management,
            read_only,
            bucket: learnt.bucket_name.clone(),
            bucket_owner: learnt.bucket.as_ref().and_then(|bucket| bucket.account.parse().ok()),
            bucket_region: learnt.bucket.as_ref().map(|bucket| bucket.region.clone()),
            key_is_prefix: learnt.key.is_none() && !management,
            key: learnt.key.clone().or_else(|| (!management).then(|| listed.unwrap_or_default())),
            parameters: self.parameters(),
            documents: learnt.documents.clone(),
            account: known.account,
            access_key: known.claim.access_key.clone(),
            region: known.claim.region.clone(),
            method: known.claim.method,
            error,
            bytes_in: known.bytes_in,
            bytes_out,
            request_id: known.ids.request_id.clone(),
            id2: known.ids.id2.clone(),
            user_agent: known.user_agent.clone(),
            host: known.host.clone(),
            connection: known.connection.clone(),
            at_us: known.at_us,
            recorded,
        })
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let known = &self.known;
        let query = known.query.iter().filter(|(name, _)| !query::is_outside(name)).cloned();
        let header = |name: &&str| Some(((*name).to_owned(), known.headers.get(*name)?.to_str().ok()?.to_owned()));
        query.chain(RECORDED_HEADERS.iter().filter_map(header)).collect()
    }

    /// Whether the bucket's policy lets the caller do this.
    pub(super) async fn allow(&self, store: &Store, bucket: &Bucket, action: &str, key: Option<&str>) -> Result<(), Error> {
        let owns = bucket.account == self.known.account.as_str();
        if owns && ON_THE_POLICY.contains(&action) {
            return Ok(());
        }
        let decision = match store.policy(&bucket.name).await? {
            Some(policy) if !owns && is_restricted(store, bucket, &policy).await? => Decision::NoMatch,
            Some(policy) => self.evaluate(&policy, bucket, action, key)?,
            None => Decision::NoMatch,
        };
        match decision {
            Decision::Allow => Ok(()),
            Decision::NoMatch if owns => Ok(()),
            Decision::NoMatch | Decision::Deny => Err(self.denied(bucket, action, key, decision)),
        }
    }

    fn evaluate(&self, policy: &str, bucket: &Bucket, action: &str, key: Option<&str>) -> Result<Decision, Error> {
        let damaged = |error: policy::Malformed| catalog::Error::damaged(format!("the policy of bucket {}", bucket.name), error);
        let policy = Policy::parse(policy).map_err(damaged)?;
        let request = policy::Request {
            principal: Principal::Root(self.known.account),
            action: action.to_owned(),
            resource: arn(&bucket.name, key),
            context: self.context(bucket),
        };
        Ok(policy.evaluate(&request))
    }

    fn denied(&self, bucket: &Bucket, action: &str, key: Option<&str>, decision: Decision) -> Error {
        let why = match decision {
            Decision::Deny => "with an explicit deny in a resource-based policy",
            _ => "because no resource-based policy allows the action",
        };
        let (who, what) = (self.arn(), arn(&bucket.name, key));
        let message = format!("User: {who} is not authorized to perform: {action} on resource: \"{what}\" {why}");
        Error::refused("AccessDenied", message)
    }

    fn arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.known.account)
    }

    /// The condition keys (IAM user guide, "AWS global condition context keys"; Service Authorization Reference, "Amazon
    /// S3").
    fn context(&self, bucket: &Bucket) -> policy::Context {
        let known = &self.known;
        let account = known.account.to_string();
        let mut context = policy::Context::default();
        let mut add = |name: &str, value: String| context.add(name, value);
        add("aws:SourceIp", source_ip(&known.connection).to_string());
        add("aws:SecureTransport", known.connection.tls.is_some().to_string());
        add("aws:PrincipalArn", self.arn());
        add("aws:PrincipalAccount", account.clone());
        add("aws:PrincipalType", "Account".to_owned());
        add("aws:userid", account);
        add("aws:RequestedRegion", known.claim.region.clone());
        add("aws:EpochTime", known.at_us.div_euclid(1_000_000).to_string());
        add("aws:CurrentTime", super::calls::rfc3339(known.at_us));
        add("aws:ResourceAccount", bucket.account.clone());
        add("s3:ResourceAccount", bucket.account.clone());
        add("s3:signatureversion", "AWS4-HMAC-SHA256".to_owned());
        let method = match known.claim.method {
            Method::AuthHeader => "REST-HEADER",
            Method::QueryString => "REST-QUERY-STRING",
        };
        add("s3:authType", method.to_owned());
        if let Some(agent) = &known.user_agent {
            add("aws:UserAgent", agent.clone());
        }
        for (name, value) in &known.headers {
            if let (true, Ok(value)) = (name.as_str().starts_with("x-amz-"), value.to_str()) {
                add(&format!("s3:{name}"), value.to_owned());
            }
        }
        for (name, value) in &known.query {
            if matches!(name.as_str(), "prefix" | "delimiter" | "max-keys" | "versionId") {
                add(&format!("s3:{name}"), value.clone());
            }
        }
        context
    }

    /// Whether the bucket belongs to whom the caller expects.
    pub(super) fn check_owner(&self, header: &str, bucket: &Bucket) -> Result<(), Error> {
        match self.known.headers.get(header) {
            Some(expected) if expected.as_bytes() != bucket.account.as_bytes() => Err(Error::access_denied()),
            _ => Ok(()),
        }
    }
}

/// Whether the public access block keeps others out, whatever the policy allows.
async fn is_restricted(store: &Store, bucket: &Bucket, policy: &str) -> Result<bool, Error> {
    let block = store.setting(&bucket.name, Setting::PublicAccessBlock).await?;
    Ok(block.is_some_and(|block| settings::is_restricted(policy, &block)))
}

fn source_ip(connection: &Connection) -> IpAddr {
    connection.peer.ip().to_canonical()
}

fn arn(bucket: &str, key: Option<&str>) -> String {
    key.map_or_else(|| format!("arn:aws:s3:::{bucket}"), |key| format!("arn:aws:s3:::{bucket}/{key}"))
}

fn is_read(name: &str) -> bool {
    ["Get", "Head", "List", "Select"].iter().any(|start| name.starts_with(start))
}

/// Lets a call through to its operation or refuses it, as soon as its signature is verified.
pub(super) struct Gate {
    store: Store,
}

impl Gate {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    async fn enter(&self, asked: Asked) -> Result<(), Error> {
        let call = &asked.call;
        let Some(operation) = operations::find(&asked.operation) else {
            call.learnt().operation = unsupported::find(&asked.operation).map(Named::Unsupported);
            return Err(Error::not_implemented(unsupported::message(&asked.operation)));
        };
        call.learnt().operation = Some(Named::Known(operation));
        refuse_other_words(operation, &call.known.query)?;
        if asked.bucket.as_deref() == Some(lake::BUCKET) {
            let bucket = lake::bucket(call.known.account);
            call.learnt().bucket = Some(bucket.clone());
            call.check_owner("x-amz-expected-bucket-owner", &bucket)?;
            return lake::check(operation.name, call.known.account, asked.key.as_deref());
        }
        if call.known.lake_only {
            return Err(Error::access_denied());
        }
        if !operation.read_only && !(call.known.audit.ready)() {
            let message = "Trailkeep cannot record the call at the moment. Please try again.";
            return Err(Error::refused("ServiceUnavailable", message));
        }
        let name = match operation.target {
            Target::Account | Target::NewBucket => return Ok(()),
            Target::Bucket | Target::Object => asked.bucket.ok_or_else(Error::no_such_bucket)?,
        };
        let bucket = self.store.find(&name).await?;
        call.learnt().bucket = Some(bucket.clone());
        call.check_owner("x-amz-expected-bucket-owner", &bucket)?;
        match (operation.name, asked.key.as_deref()) {
            // Each key is looked at for itself.
            ("DeleteObjects", _) => Ok(()),
            (_, key) => call.allow(&self.store, &bucket, operation.action, key).await,
        }
    }
}

/// What s3s found a request to ask for.
struct Asked {
    call: Arc<Call>,
    operation: String,
    bucket: Option<String>,
    key: Option<String>,
}

impl S3Access for Gate {
    fn check<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        cx: &'life1 mut S3AccessContext<'life2>,
    ) -> Answering<'async_trait, S3Result<()>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        Self: 'async_trait,
    {
        let asked = asked(cx);
        Box::pin(async move { Ok(self.enter(asked?).await?) })
    }
}

fn asked(cx: &mut S3AccessContext<'_>) -> Result<Asked, S3Error> {
    let call = cx.extensions_mut().get::<Arc<Call>>().cloned().ok_or_else(lost)?;
    // s3s verified the signature of the key that was claimed; nobody else gets in.
    if cx.credentials().is_none_or(|credentials| credentials.access_key != call.known.claim.access_key) {
        return Err(Error::access_denied().into());
    }
    let bucket = cx.s3_path().get_bucket_name().map(str::to_owned);
    let key = cx.s3_path().get_object_key().map(str::to_owned);
    let mut learnt = call.learnt();
    (learnt.bucket_name, learnt.key) = (bucket.clone(), key.clone());
    drop(learnt);
    Ok(Asked { call, operation: cx.s3_op().name().to_owned(), bucket, key })
}

/// Refuses a query with words that would make it another operation than the one s3s falls back to.
fn refuse_other_words(operation: &Operation, query: &[(String, String)]) -> Result<(), Error> {
    let Some(known) = operations::fallback_parameters(operation.name) else { return Ok(()) };
    let other = query.iter().find(|(name, _)| !query::is_outside(name) && !known.contains(&name.as_str()));
    match other {
        Some((name, _)) => {
            let message = format!("Trailkeep does not implement what the query parameter {name} asks for here.");
            Err(Error::not_implemented(message))
        }
        None => Ok(()),
    }
}
