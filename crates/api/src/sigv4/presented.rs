//! The signature that a request presents, in its Authorization header or in its query.

use http::HeaderName;
use http::header::{AUTHORIZATION, DATE, HOST};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::claim::Scope;
use super::error::AuthError;
use super::instant;

/// The longest life of a presigned request: 7 days, AWS's limit on X-Amz-Expires.
pub const EXPIRES_S_MAX: i64 = 7 * 24 * 60 * 60;
/// How many headers may be signed (ours; the SDKs sign fewer than twenty).
const SIGNED_HEADERS_MAX: usize = 100;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// A signature, read but not verified.
#[derive(Clone, Debug)]
pub struct Presented {
    pub(super) scope: Scope,
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; 32],
    pub(super) session_token: Option<String>,
    pub(super) signed_at_s: i64,
    /// How long a presigned request lives; none for the header form.
    pub(super) expires_s: Option<i64>,
}

impl Presented {
    /// Reads the signature of a request; none if it has none of Version 4. What is malformed, signed only in part, or
    /// dated otherwise than scoped is refused here.
    pub fn parse(parts: &Parts) -> Result<Option<Self>, AuthError> {
        let header = single(parts, &AUTHORIZATION)?.filter(|header| header.starts_with("AWS"));
        let query: Vec<(String, String)> = parameters(parts).filter(|(name, _)| name.starts_with("X-Amz-")).collect();
        let in_query =
            query.iter().any(|(name, _)| ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"].contains(&name.as_str()));
        let presented = match (header, in_query) {
            (None, false) => return Ok(None),
            (Some(_), true) => {
                return Err(incomplete("Only one of Authorization header and query parameters may sign a request."));
            }
            (Some(header), false) => Self::from_header(parts, header)?,
            (None, true) => Self::from_query(&query)?,
        };
        presented.check_date()?;
        presented.check_signed_headers(parts)?;
        Ok(Some(presented))
    }

    /// The access key that signed.
    pub fn access_key_id(&self) -> &str {
        &self.scope.access_key_id
    }

    /// The Region it was signed for.
    pub fn region(&self) -> &str {
        &self.scope.region
    }

    /// The service it was signed for.
    pub fn service(&self) -> &str {
        &self.scope.service
    }

    /// The session token that came along.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Whether it is a presigned request, signed in its query.
    pub const fn is_presigned(&self) -> bool {
        self.expires_s.is_some()
    }

    fn from_header(parts: &Parts, header: &str) -> Result<Self, AuthError> {
        let rest = header
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(' '))
            .ok_or_else(|| incomplete("Unsupported AWS 'algorithm': the only one is AWS4-HMAC-SHA256."))?;
        let mut fields = Fields::default();
        for part in rest.split(',') {
            let (name, value) =
                part.trim().split_once('=').ok_or_else(|| incomplete("Authorization header has a part without '='."))?;
            fields.set(name, value)?;
        }
        let (dated, date) = match single(parts, &X_AMZ_DATE)? {
            Some(text) => (true, instant::basic(text)),
            None => single(parts, &DATE)?.map_or((false, None), |text| (true, instant::http(text))),
        };
        let missing = fields.missing(dated);
        let (Fields { credential: Some(credential), signed_headers: Some(names), signature: Some(signature) }, "") =
            (fields, missing.as_str())
        else {
            return Err(AuthError::Incomplete(missing));
        };
        Ok(Self {
            scope: Scope::parse(&credential)?,
            signed_headers: header_names(&names)?,
            signature: signature_bytes(&signature)?,
            session_token: single(parts, &SECURITY_TOKEN)?.map(str::to_owned),
            signed_at_s: date.ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?,
            expires_s: None,
        })
    }

    fn from_query(query: &[(String, String)]) -> Result<Self, AuthError> {
        let only = |wanted: &str| {
            let mut values = query.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(incomplete(&format!("Query string parameter '{wanted}' comes twice."))),
            }
        };
        let need = |wanted: &str| {
            only(wanted)?.ok_or_else(|| incomplete(&format!("AWS query-string parameters must include '{wanted}'.")))
        };
        if need("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete("Unsupported AWS 'algorithm': the only one is AWS4-HMAC-SHA256."));
        }
        let expires_s = need("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|expires_s| (1..=EXPIRES_S_MAX).contains(expires_s))
            .ok_or_else(|| incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800."))?;
        Ok(Self {
            scope: Scope::parse(need("X-Amz-Credential")?)?,
            signed_headers: header_names(need("X-Amz-SignedHeaders")?)?,
            signature: signature_bytes(need("X-Amz-Signature")?)?,
            session_token: only("X-Amz-Security-Token")?.map(str::to_owned),
            signed_at_s: instant::basic(need("X-Amz-Date")?)
                .ok_or_else(|| incomplete("X-Amz-Date must be in ISO-8601 'basic format'."))?,
            expires_s: Some(expires_s),
        })
    }

    fn check_date(&self) -> Result<(), AuthError> {
        let from = instant::text(self.signed_at_s);
        let http: String = from.chars().take(8).collect();
        if http == self.scope.date { Ok(()) } else { Err(AuthError::ScopeDate { scope: self.scope.date.clone(), http, from }) }
    }

    /// The host, the date and every `x-amz-` header decide what a request does: all must be signed. What is signed
    /// must be there, once where it decides.
    fn check_signed_headers(&self, parts: &Parts) -> Result<(), AuthError> {
        let signed = |name: &str| self.signed_headers.iter().any(|header| header == name);
        let date = self.expires_s.is_none().then(|| if parts.headers.contains_key(X_AMZ_DATE) { "x-amz-date" } else { "date" });
        let present = parts.headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
        if let Some(name) = std::iter::once("host").chain(date).chain(present).find(|name| !signed(name)) {
            return Err(AuthError::HeaderNotSigned(name.to_owned()));
        }
        for name in [&HOST, &CONTENT_SHA256] {
            single(parts, name)?;
        }
        let here = |name: &str| parts.headers.contains_key(name) || (name == "host" && parts.uri.authority().is_some());
        match self.signed_headers.iter().find(|name| !here(name)) {
            Some(name) => Err(incomplete(&format!("Signed header '{name}' is not in the request."))),
            None => Ok(()),
        }
    }
}

/// The parts of an Authorization header.
#[derive(Default)]
struct Fields {
    credential: Option<String>,
    signed_headers: Option<String>,
    signature: Option<String>,
}

impl Fields {
    fn set(&mut self, name: &str, value: &str) -> Result<(), AuthError> {
        let field = match name {
            "Credential" => &mut self.credential,
            "SignedHeaders" => &mut self.signed_headers,
            "Signature" => &mut self.signature,
            _ => return Err(incomplete("Authorization header has a part that is not Credential, SignedHeaders or Signature.")),
        };
        match field.replace(value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(incomplete(&format!("Authorization header has '{name}' twice."))),
        }
    }

    /// AWS's sentence for each part that is missing.
    fn missing(&self, dated: bool) -> String {
        let part = |field: &Option<String>, name: &str| {
            let is_missing = field.as_deref().is_none_or(str::is_empty);
            is_missing.then(|| format!("Authorization header requires '{name}' parameter."))
        };
        let date =
            (!dated).then(|| "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned());
        [
            part(&self.credential, "Credential"),
            part(&self.signature, "Signature"),
            part(&self.signed_headers, "SignedHeaders"),
            date,
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
    }
}

/// The parameters of a request's query, percent-decoded, `+` being a space.
pub(super) fn parameters(parts: &Parts) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The value of a header that may come once.
pub(super) fn single<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, AuthError> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(incomplete(&format!("Header '{name}' is not ASCII."))),
        },
        (Some(_), Some(_)) => Err(incomplete(&format!("Header '{name}' comes twice."))),
    }
}

/// `host;x-amz-date`: lower case, sorted, none twice, as every client writes it.
fn header_names(list: &str) -> Result<Vec<String>, AuthError> {
    let names: Vec<String> = list.split(';').map(str::to_owned).collect();
    let valid = |name: &String| HeaderName::from_lowercase(name.as_bytes()).is_ok();
    if names.len() > SIGNED_HEADERS_MAX || !names.iter().all(valid) || !names.is_sorted_by(|a, b| a < b) {
        return Err(incomplete("SignedHeaders must be lower-case header names, sorted, each once."));
    }
    Ok(names)
}

fn signature_bytes(text: &str) -> Result<[u8; 32], AuthError> {
    let mut bytes = [0; 32];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if lower => Ok(bytes),
        _ => Err(incomplete("Signature must be 64 lower-case hexadecimal digits.")),
    }
}

fn incomplete(what: &str) -> AuthError {
    AuthError::Incomplete(what.to_owned())
}
