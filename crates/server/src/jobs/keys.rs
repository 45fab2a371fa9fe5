//! The keys that sign digests: one RSA key for each Region of the installation, and another before it expires.
//!
//! The private halves are files that only this user may read; the public halves are in the catalog, for good. A private
//! half that is missing or damaged stops the digests of its Region, and nothing else.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use catalog::Catalog;
use catalog::keys::{self, Key};
use cloudtrail::digest::{fingerprint, public_key_der, sign};

/// How long a key is valid: published samples of AWS are valid for exactly 30 days (log-files.md §6).
const VALIDITY_S: i64 = 30 * 86_400;
/// A key gets a successor so long before it expires.
const RENEWAL_S: i64 = 2 * 86_400;
/// A key is valid from a little before its first use on: clocks of those who verify may be behind.
const BACKDATE_S: i64 = 3_600;

/// Why there is nothing to sign with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The file of a private key cannot be read or written.
    #[error("key {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of a private key does not hold that key.
    #[error("key {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No key can be made.
    #[error("a key for {region} cannot be made: {reason}")]
    Make {
        /// The Region.
        region: String,
        /// Why.
        reason: String,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// The keys of the installation.
pub struct Keys {
    catalog: Catalog,
    dir: PathBuf,
    /// By fingerprint.
    pairs: Mutex<HashMap<String, Arc<KeyPair>>>,
    /// Held by the one who makes a key.
    making: tokio::sync::Mutex<()>,
}

/// A key to sign with.
#[derive(Clone)]
pub struct Signer {
    /// Names the key in digests.
    pub fingerprint: String,
    pair: Arc<KeyPair>,
}

impl Signer {
    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.pair, message)
    }
}

impl Keys {
    /// The keys whose private halves are in that folder, which is made if need be. Blocks.
    pub fn open(catalog: Catalog, dir: PathBuf) -> Result<Self, Error> {
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(at(&dir))?;
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_dir(parent)?;
            }
        }
        Ok(Self { catalog, dir, pairs: Mutex::default(), making: tokio::sync::Mutex::new(()) })
    }

    /// The key of a Region for a digest that ends at that second; it is made if there is none, or only one that soon
    /// expires.
    pub async fn signer_for(&self, region: &str, at_s: i64) -> Result<Signer, Error> {
        if let Some(key) = self.fresh(region, at_s).await? {
            return self.load(key).await;
        }
        let _one_at_a_time = self.making.lock().await;
        match self.fresh(region, at_s).await? {
            Some(key) => self.load(key).await,
            None => self.make(region, at_s).await,
        }
    }

    async fn fresh(&self, region: &str, at_s: i64) -> Result<Option<Key>, Error> {
        let key = keys::valid_at(&self.catalog, region, at_s).await?;
        Ok(key.filter(|key| at_s < key.valid_until_s - RENEWAL_S))
    }

    async fn load(&self, key: Key) -> Result<Signer, Error> {
        let loaded = self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(&key.fingerprint).cloned();
        let pair = if let Some(pair) = loaded {
            pair
        } else {
            let path = self.path(&key.region, &key.fingerprint);
            let public = key.public_der;
            Arc::new(blocking(&key.region, move || read(&path, &public)).await??)
        };
        Ok(self.signer(key.fingerprint, pair))
    }

    async fn make(&self, region: &str, at_s: i64) -> Result<Signer, Error> {
        let reason = |error: aws_lc_rs::error::Unspecified| Error::Make { region: region.to_owned(), reason: error.to_string() };
        let pair = blocking(region, || KeyPair::generate(KeySize::Rsa2048)).await?.map_err(reason)?;
        let private: Pkcs8V1Der<'static> = pair.as_der().map_err(reason)?;
        let public_der = public_key_der(&pair);
        let fingerprint = fingerprint(&public_der);
        let (dir, path) = (self.dir.clone(), self.path(region, &fingerprint));
        blocking(region, move || write(&dir, &path, private.as_ref())).await??;
        let valid_from_s = at_s - BACKDATE_S;
        let valid_until_s = valid_from_s + VALIDITY_S;
        let key = Key { region: region.to_owned(), fingerprint: fingerprint.clone(), public_der, valid_from_s, valid_until_s };
        let mut tx = self.catalog.begin().await?;
        keys::insert(&mut tx, &key).await?;
        tx.commit().await?;
        tracing::info!(region, fingerprint, "made a key that signs digests");
        Ok(self.signer(fingerprint, Arc::new(pair)))
    }

    fn signer(&self, fingerprint: String, pair: Arc<KeyPair>) -> Signer {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint.clone(), Arc::clone(&pair));
        Signer { fingerprint, pair }
    }

    fn path(&self, region: &str, fingerprint: &str) -> PathBuf {
        self.dir.join(format!("{region}-{fingerprint}.pk8"))
    }
}

fn read(path: &Path, public_der: &[u8]) -> Result<KeyPair, Error> {
    let bytes = fs::read(path).map_err(at(path))?;
    let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
    let pair = KeyPair::from_pkcs8(&bytes).map_err(|error| damaged(error.to_string()))?;
    if public_key_der(&pair) == public_der { Ok(pair) } else { Err(damaged("it is another key".to_owned())) }
}

/// The file is on disk before the catalog knows the key.
fn write(dir: &Path, path: &Path, private: &[u8]) -> Result<(), Error> {
    let unfinished = path.with_extension("tmp");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(at(&unfinished))?;
    file.write_all(private).and_then(|()| file.sync_all()).map_err(at(&unfinished))?;
    fs::rename(&unfinished, path).map_err(at(path))?;
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(at(dir))
}

async fn blocking<T: Send + 'static>(region: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let failed = |error: tokio::task::JoinError| Error::Make { region: region.to_owned(), reason: error.to_string() };
    tokio::task::spawn_blocking(work).await.map_err(failed)
}
