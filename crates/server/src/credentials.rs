//! The installation root's keys and the `credentials` file that AWS clients read.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::config::Credentials;

/// Letters of an access key behind its four-letter prefix: AWS uses base 32.
const KEY_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of a secret or a token.
const SECRET_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("credentials file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is there but has no pair of keys under `[default]`.
    #[error("credentials file {path} has no aws_access_key_id and aws_secret_access_key under [default]")]
    Incomplete {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// The root's keys: those given, else those in the file, else new ones. Afterwards the file holds them.
pub fn ensure(path: &Path, given: Option<&Credentials>) -> Result<Credentials, Error> {
    let kept = read(path)?;
    let keys = match (given, &kept) {
        (Some(given), _) => given.clone(),
        (None, Some(kept)) => return Ok(kept.clone()),
        (None, None) => generate()?,
    };
    if kept.is_none_or(|kept| kept.access_key_id != keys.access_key_id || kept.secret_access_key != keys.secret_access_key) {
        write(path, &keys).map_err(|source| Error::File { path: path.to_owned(), source })?;
    }
    Ok(keys)
}

/// `letters` random letters for secrets and tokens, each of 6 bits.
pub fn random_secret(letters: usize) -> Result<String, Error> {
    random_letters(SECRET_LETTERS, letters)
}

fn read(path: &Path) -> Result<Option<Credentials>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: path.to_owned(), source }),
    };
    let (mut key, mut secret, mut in_default) = (None, None, false);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_default = section.trim_end_matches(']').trim() == "default";
        } else if let Some((name, value)) = line.split_once('=').filter(|_| in_default) {
            match name.trim() {
                "aws_access_key_id" => key = Some(value.trim().to_owned()),
                "aws_secret_access_key" => secret = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    match (key, secret) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(Some(Credentials { access_key_id, secret_access_key })),
        _ => Err(Error::Incomplete { path: path.to_owned() }),
    }
}

fn write(path: &Path, keys: &Credentials) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    write!(file, "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", keys.access_key_id, keys.secret_access_key)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn generate() -> Result<Credentials, Error> {
    Ok(Credentials {
        access_key_id: format!("AKIA{}", random_letters(KEY_LETTERS, 16)?),
        secret_access_key: random_letters(SECRET_LETTERS, 40)?,
    })
}

fn random_letters(alphabet: &[u8], count: usize) -> Result<String, Error> {
    let mut bytes = vec![0_u8; count];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

#[cfg(test)]
mod tests;
