//! From what a request says of itself to a service and an operation.
//!
//! In this order: RPC v2's path, X-Amz-Target, an Action in the query, the paths of the services that the signature or
//! the host leave, a form whose body is yet to be seen; and S3 where nothing else is known.

use std::sync::Arc;

use http::request::Parts;

use super::cues::Cues;
use super::known::{Loaded, Protocols};
use super::routes::{Match, Shown};
use super::{Addressing, Recognised, form, host};
use crate::call::{Body, Surroundings};
use crate::table::{Heading, Protocol};

/// How many pairs of a form are searched for its Action (ours; clients write it first, or in the order of the alphabet).
pub(super) const FORM_PAIRS_MAX: usize = 10_000;
/// The longest name of an event that a request may give itself.
const NAME_BYTES_MAX: usize = 128;

const FORMS: &[Protocol] = &[Protocol::Query, Protocol::Ec2];
const PATHS: &[Protocol] = &[Protocol::RestJson, Protocol::RestXml];
const TARGETS: &[Protocol] = &[Protocol::Json10, Protocol::Json11];

/// The services that a request may be for.
struct Among {
    services: Vec<usize>,
    /// Those of them, at the beginning, that the host names too.
    hosted: usize,
    /// The operator said so: no others are tried.
    only: bool,
    /// The signature says so, which the service behind verifies: others are tried last.
    signed: bool,
}

impl Protocols {
    /// What a request calls, as far as its head tells.
    pub fn recognise(&self, surroundings: &Surroundings, parts: &Parts) -> Recognised {
        let cues = Cues::of(parts);
        let among = self.among(surroundings, &cues);
        let mut recognised = self
            .by_rpc(&cues, &among)
            .or_else(|| self.by_target(&cues, &among))
            .or_else(|| self.by_action(&cues, &among))
            .or_else(|| self.by_form(&cues, &among))
            .unwrap_or_else(|| self.by_path(surroundings, &cues, &among));
        recognised.region = cues.scope.as_ref().and_then(|scope| scope.region.clone());
        // S3 records calls on these under names of their own.
        let own = |name: &str| ["s3express", "s3-object-lambda", "s3-outposts"].contains(&name);
        if let Some(scope) = cues.scope.filter(|scope| own(&scope.service)) {
            recognised.event_source = source_of(&scope.service);
        }
        recognised
    }

    fn among(&self, surroundings: &Surroundings, cues: &Cues<'_>) -> Among {
        if let Some(at) = surroundings.service.as_ref().and_then(|name| self.named(name)) {
            return Among { services: vec![at], hosted: 0, only: true, signed: false };
        }
        let by_host = cues.host.as_ref().map(|host| host::services(host, self)).unwrap_or_default();
        let Some(scope) = &cues.scope else {
            return Among { hosted: by_host.len(), services: by_host, only: false, signed: false };
        };
        let mut services = self.signing(&scope.service);
        services.sort_by_key(|at| !by_host.contains(at));
        let hosted = services.iter().filter(|at| by_host.contains(at)).count();
        Among { hosted, only: false, signed: !services.is_empty(), services }
    }

    /// Whether the request may be one that names its operation in a header or at the end of its path: not to S3, say,
    /// where nobody looks at these.
    fn may_be_rpc(&self, cues: &Cues<'_>, among: &Among) -> bool {
        let speaking = |at: &usize| self.speaks(*at, TARGETS) || self.speaks(*at, &[Protocol::RpcV2Cbor]);
        cues.method == "POST" && (!(among.only || among.signed) || among.services.iter().any(speaking))
    }

    fn by_rpc(&self, cues: &Cues<'_>, among: &Among) -> Option<Recognised> {
        let (service, operation) = cues.rpc().filter(|_| self.may_be_rpc(cues, among))?;
        let (named, cbor) = (self.targeted(service), cues.says_cbor());
        if !cbor && (named.is_empty() || among.only) {
            return None;
        }
        let protocol = cbor.then_some(Protocol::RpcV2Cbor);
        Some(
            self.called(named, among, operation, None, protocol)
                .unwrap_or_else(|| self.unknown(cues, among, named, operation, protocol)),
        )
    }

    fn by_target(&self, cues: &Cues<'_>, among: &Among) -> Option<Recognised> {
        let (prefix, operation) = cues.target().filter(|_| self.may_be_rpc(cues, among))?;
        let said = match cues.media_type.as_str() {
            "application/x-amz-json-1.1" => Protocol::Json11,
            _ => Protocol::Json10,
        };
        let named = self.targeted(prefix);
        let mut recognised = self
            .called(named, among, operation, None, Some(said))
            .unwrap_or_else(|| self.unknown(cues, among, named, operation, Some(said)));
        let spoken = recognised
            .service
            .as_ref()
            .and_then(|service| service.heading.protocols.iter().copied().find(|protocol| TARGETS.contains(protocol)));
        recognised.protocol = spoken.or(Some(said));
        Some(recognised)
    }

    fn by_action(&self, cues: &Cues<'_>, among: &Among) -> Option<Recognised> {
        let (action, version) = cues.action().filter(|_| ["GET", "POST"].contains(&cues.method))?;
        let of_forms = among.services.iter().any(|at| self.speaks(*at, FORMS));
        let of_version = version.is_some_and(|version| self.has_version(among, version));
        (of_forms || of_version).then(|| self.acted(cues, among, action, version))
    }

    /// A form whose Action stands in its body.
    fn by_form(&self, cues: &Cues<'_>, among: &Among) -> Option<Recognised> {
        let speaks = |protocols: &[Protocol]| among.services.iter().any(|at| self.speaks(*at, protocols));
        let possible = if cues.is_form() {
            among.services.is_empty() || speaks(FORMS) || !speaks(PATHS)
        } else {
            speaks(FORMS) && cues.path == "/" && cues.target().is_none()
        };
        if cues.method != "POST" || !possible {
            return None;
        }
        let mut recognised = self.unknown(cues, among, &[], &name_of(cues), Some(Protocol::Query));
        recognised.pending = Some(self.clone());
        Some(recognised)
    }

    /// What a form's body says; unchanged if it says nothing.
    pub(super) fn by_body(&self, surroundings: &Surroundings, parts: &Parts, body: &Body) -> Option<Recognised> {
        let text = std::str::from_utf8(body.whole.as_ref()?).ok()?;
        let cues = Cues::of(parts);
        let among = self.among(surroundings, &cues);
        match form::action(text, FORM_PAIRS_MAX) {
            Some((action, version)) => Some(self.acted(&cues, &among, &action, version.as_deref())),
            None if among.services.is_empty() => Some(self.by_path(surroundings, &cues, &among)),
            None => None,
        }
    }

    fn acted(&self, cues: &Cues<'_>, among: &Among, action: &str, version: Option<&str>) -> Recognised {
        let versioned = version.map(|version| self.versioned(version)).unwrap_or_default();
        let all = self.called(&[], among, action, version, Some(Protocol::Query));
        let found = all.or_else(|| {
            let named = if among.only { &[][..] } else { &versioned };
            self.called(named, among, action, None, Some(Protocol::Query))
        });
        let mut recognised = found.unwrap_or_else(|| {
            let forms: Vec<usize> = versioned.iter().copied().filter(|at| self.speaks(*at, FORMS)).collect();
            self.unknown(cues, among, &forms, action, Some(Protocol::Query))
        });
        let heading = recognised.service.as_ref().map(|service| &service.heading);
        if heading.is_some_and(|heading| heading.protocols.contains(&Protocol::Ec2)) {
            recognised.protocol = Some(Protocol::Ec2);
        }
        recognised.api_version = version.map(clean).or(recognised.api_version);
        recognised
    }

    fn has_version(&self, among: &Among, version: &str) -> bool {
        let versioned = self.versioned(version);
        if among.services.is_empty() {
            versioned.iter().any(|at| self.speaks(*at, FORMS))
        } else {
            among.services.iter().any(|at| versioned.contains(at))
        }
    }

    /// The first of the services that has this operation: of those named, those also among the likely ones; then the
    /// likely ones of that version, the likely ones, and all that were named; the last two the other way round where no
    /// signature says which are likely.
    fn called(
        &self,
        named: &[usize],
        among: &Among,
        operation: &str,
        version: Option<&str>,
        protocol: Option<Protocol>,
    ) -> Option<Recognised> {
        let likely = &among.services;
        let both = named.iter().filter(|at| likely.contains(at));
        let of_version =
            |at: &&usize| version.is_some() && self.heading(**at).map(|heading| heading.api_version.as_str()) == version;
        let others = named.iter().filter(|_| !among.only);
        let signed = likely.iter().filter(|_| among.signed);
        let order = both.chain(likely.iter().filter(of_version)).chain(signed).chain(others).chain(likely);
        order.into_iter().find_map(|at| {
            let loaded = self.loaded(*at)?;
            let place = loaded.operation(operation)?;
            Some(known(&loaded, place, protocol))
        })
    }

    fn unknown(&self, cues: &Cues<'_>, among: &Among, named: &[usize], name: &str, protocol: Option<Protocol>) -> Recognised {
        let likely = if among.only { None } else { named.first() };
        let at = likely.or_else(|| among.services.first());
        let heading = at.and_then(|at| self.heading(*at));
        let event_source = heading.map(|heading| heading.event_source.clone());
        let event_source = event_source.or_else(|| cues.scope.as_ref().map(|scope| source_of(&scope.service)));
        // One candidate is no doubt; of several none is chosen.
        let service = match (named, among.services.as_slice()) {
            ([at], _) | ([], [at]) => self.loaded(*at).map(|loaded| Arc::clone(&loaded.service)),
            _ => None,
        };
        Recognised {
            service,
            protocol,
            event_source: event_source.or_else(|| source_of_target(cues)).unwrap_or_else(|| source_of("s3")),
            event_name: Some(clean(name)).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| name_of(cues)),
            api_version: heading.map(|heading| heading.api_version.clone()),
            ..Recognised::default()
        }
    }

    fn by_path(&self, surroundings: &Surroundings, cues: &Cues<'_>, among: &Among) -> Recognised {
        let nothing_known = among.services.is_empty() && cues.scope.is_none();
        let s3 = self.named("s3");
        let services = if nothing_known { s3.into_iter().collect() } else { among.services.clone() };
        let bucket = cues.host.as_deref().and_then(|host| host::bucket(host, surroundings));
        let mut best: Option<(Rank, Recognised)> = None;
        for (place, at) in services.iter().copied().enumerate().filter(|(_, at)| self.speaks(*at, PATHS)) {
            let Some(loaded) = self.loaded(at) else { continue };
            let bucket = bucket.filter(|_| Some(at) == s3);
            let Some(found) = route(&loaded, cues, bucket) else { continue };
            // S3 tells operations apart by what their queries must have: a POST to an object completes no upload.
            if Some(at) == s3 && !found.complete && found.query == 0 {
                continue;
            }
            let Match { complete, literals, query, exact, .. } = found;
            let rank = Rank { complete, hosted: place < among.hosted, literals, query, exact };
            if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, routed(&loaded, found)));
            }
        }
        let for_s3 = s3.filter(|at| services.contains(at));
        let mut recognised = best.map_or_else(|| self.unrouted(cues, among, for_s3), |(_, recognised)| recognised);
        if recognised.service.as_ref().is_some_and(|service| service.heading.name == "s3") {
            name_object(&mut recognised, cues, bucket);
        }
        recognised
    }

    /// Nothing of the service's is there.
    fn unrouted(&self, cues: &Cues<'_>, among: &Among, s3: Option<usize>) -> Recognised {
        let protocol = s3.map(|_| Protocol::RestXml);
        let named: Vec<usize> = s3.into_iter().collect();
        let mut recognised = self.unknown(cues, among, &named, &name_of(cues), protocol);
        let service = recognised.service.as_ref();
        recognised.protocol = protocol.or_else(|| service?.heading.protocols.first().copied());
        recognised
    }
}

/// How well a path fits; compared in this order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    complete: bool,
    hosted: bool,
    literals: usize,
    query: usize,
    exact: bool,
}

fn route(loaded: &Loaded, cues: &Cues<'_>, bucket: Option<&str>) -> Option<Match> {
    let with_bucket = bucket.map(|bucket| format!("/{bucket}{}", cues.path));
    let path = with_bucket.as_deref().unwrap_or(cues.path);
    let shown = |path: &str| {
        let shown = Shown { method: cues.method, path, query: &cues.query, headers: cues.headers, hint: cues.hint() };
        loaded.routes().find(&shown)
    };
    shown(path).or_else(|| shown(&of_newest_version(&loaded.service.heading, path)?))
}

/// The path as clients of the newest version write it, where paths begin with the version (CloudFront, Route 53).
fn of_newest_version(heading: &Heading, path: &str) -> Option<String> {
    let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
    let is_date = version.len() == 10 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let versioned = is_date && heading.protocols.contains(&Protocol::RestXml) && heading.name != "s3";
    versioned.then(|| format!("/{}/{rest}", heading.api_version))
}

fn known(loaded: &Loaded, operation: usize, protocol: Option<Protocol>) -> Recognised {
    let heading = &loaded.service.heading;
    Recognised {
        event_source: heading.event_source.clone(),
        event_name: loaded.service.operations.get(operation).map(|operation| operation.name.clone()).unwrap_or_default(),
        api_version: Some(heading.api_version.clone()),
        protocol: protocol.or_else(|| heading.protocols.first().copied()),
        operation: Some(operation),
        service: Some(Arc::clone(&loaded.service)),
        ..Recognised::default()
    }
}

fn routed(loaded: &Loaded, found: Match) -> Recognised {
    let spoken = loaded.service.heading.protocols.iter().copied().find(|protocol| PATHS.contains(protocol));
    Recognised { labels: found.labels, ..known(loaded, found.operation, spoken) }
}

/// Bucket and key, and S3's own names of what has none in its model.
fn name_object(recognised: &mut Recognised, cues: &Cues<'_>, bucket: Option<&str>) {
    let text = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = cues.path.strip_prefix('/').unwrap_or(cues.path);
    let (bucket, key, addressing) = if let Some(bucket) = bucket {
        (bucket.to_owned(), path, Addressing::VirtualHost)
    } else {
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        (text(bucket), key, Addressing::Path)
    };
    let of_none = recognised.operation().is_some_and(|operation| !operation.uri.starts_with("/{Bucket}"));
    if of_none || bucket.is_empty() {
        return;
    }
    recognised.key = (!key.is_empty()).then(|| text(key));
    if recognised.operation.is_none() {
        recognised.labels.push(("Bucket".to_owned(), bucket.clone()));
        recognised.labels.extend(recognised.key.iter().map(|key| ("Key".to_owned(), key.clone())));
        let upload = cues.method == "POST" && cues.media_type == "multipart/form-data" && recognised.key.is_none();
        recognised.event_name = match (cues.method, &recognised.key) {
            _ if upload => "PostObject".to_owned(),
            // As S3's access logs call them.
            ("OPTIONS", _) => "REST.OPTIONS.PREFLIGHT".to_owned(),
            (method, Some(_)) => clean(&format!("REST.{method}.OBJECT")),
            (method, None) => clean(&format!("REST.{method}.BUCKET")),
        };
    }
    recognised.bucket = Some(bucket);
    recognised.addressing = Some(addressing);
}

/// What to call a request that does not say what it does.
fn name_of(cues: &Cues<'_>) -> String {
    clean(&format!("{} {}", cues.method, cues.path))
}

fn source_of(signing_name: &str) -> String {
    format!("{}.amazonaws.com", signing_name.to_ascii_lowercase())
}

/// What stands before the version in a target that no service has: `Things_20260101`.
fn source_of_target(cues: &Cues<'_>) -> Option<String> {
    let (prefix, _) = cues.target().or_else(|| cues.rpc())?;
    let name: String = prefix.chars().take_while(char::is_ascii_alphanumeric).take(NAME_BYTES_MAX).collect();
    (!name.is_empty()).then(|| source_of(&name))
}

/// A name that a stranger gave: visible ASCII and single spaces, not too long.
pub(super) fn clean(name: &str) -> String {
    name.chars().filter(|char| char.is_ascii_graphic() || *char == ' ').take(NAME_BYTES_MAX).collect()
}
