//! Names of buckets and keys of objects: S3's rules, and the names that are ours.

/// The shortest name of a bucket (S3 user guide, "General purpose bucket naming rules").
pub const NAME_CHARS_MIN: usize = 3;
/// The longest name of a bucket (same page).
pub const NAME_CHARS_MAX: usize = 63;
/// The longest key of an object, in bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
pub const KEY_BYTES_MAX: usize = 1024;

/// Names no bucket made here may bear: the first segments of our own paths (architecture, section 8), and the
/// read-only system bucket (section 6).
const RESERVED: [&str; 6] = ["console", "healthz", "metrics", "v1", "iceberg", "trailkeep-lake"];

/// Prefixes that S3 keeps for itself. `amzn-s3-demo-` is on its list too and is let through: it is the name in
/// every example of AWS's documentation, and means nothing here.
const PREFIXES: [&str; 2] = ["xn--", "sthree-"];
/// Suffixes that S3 keeps for access points and other kinds of bucket.
const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Why a name or a key cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The name's length.
    #[error("bucket names have {NAME_CHARS_MIN} to {NAME_CHARS_MAX} characters")]
    NameLength,
    /// A character that cannot stand in a name.
    #[error("bucket names have only lowercase letters, digits, periods (.) and hyphens (-)")]
    NameCharacters,
    /// The first or last character.
    #[error("bucket names begin and end with a letter or digit")]
    NameEnds,
    /// Two periods side by side.
    #[error("bucket names have no two adjacent periods")]
    NamePeriods,
    /// Four numbers between periods.
    #[error("bucket names are not formatted as an IP address")]
    NameAddress,
    /// A prefix or suffix with a meaning of its own in S3.
    #[error("bucket names do not begin with xn-- or sthree-, nor end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3")]
    NameAffix,
    /// A name Trailkeep uses itself.
    #[error("this bucket name is reserved")]
    NameReserved,
    /// An empty key.
    #[error("an object key has at least one byte")]
    KeyEmpty,
    /// A key of more than [`KEY_BYTES_MAX`] bytes.
    #[error("an object key has at most {KEY_BYTES_MAX} bytes")]
    KeyTooLong,
}

/// Whether a bucket somewhere may have this name: what a trail's `S3BucketName` is checked with.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    if !(NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        Err(Invalid::NameLength)
    } else if !bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')) {
        Err(Invalid::NameCharacters)
    } else if !edge(bytes.first()) || !edge(bytes.last()) {
        Err(Invalid::NameEnds)
    } else if name.contains("..") {
        Err(Invalid::NamePeriods)
    } else if looks_like_ipv4(name) {
        Err(Invalid::NameAddress)
    } else if PREFIXES.iter().any(|p| name.starts_with(p)) || SUFFIXES.iter().any(|s| name.ends_with(s)) {
        Err(Invalid::NameAffix)
    } else {
        Ok(())
    }
}

/// Whether a bucket of this name may be created here.
pub fn check_new_name(name: &str) -> Result<(), Invalid> {
    if RESERVED.contains(&name) {
        return Err(Invalid::NameReserved);
    }
    check_name(name)
}

/// Whether an object may have this key.
pub fn check_key(key: &str) -> Result<(), Invalid> {
    match key.len() {
        0 => Err(Invalid::KeyEmpty),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(Invalid::KeyTooLong),
    }
}

/// Four runs of one to three digits between periods: S3 and CloudTrail refuse the look, not only real addresses.
pub(crate) fn looks_like_ipv4(name: &str) -> bool {
    let run = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    name.split('.').count() == 4 && name.split('.').all(run)
}

#[cfg(test)]
mod tests;
