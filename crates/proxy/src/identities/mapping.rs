//! The operator's file that says whose keys are whose: TOML, an `[[identity]]` for each key.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cloudtrail::account::AccountId;
use cloudtrail::record::{Principal, PrincipalType};
use serde::Deserialize;

use super::arn;

/// The largest file. Own choice: a hundred thousand keys.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// The longest access key id: IAM's limit (`GetAccessKeyInfo`, 128 characters).
const ACCESS_KEY_ID_CHARS_MAX: usize = 128;

/// Whose keys are whose.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    by_key: HashMap<String, Arc<Principal>>,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct MappingError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    identity: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    access_key_id: String,
    arn: String,
    account: Option<AccountId>,
    user_name: Option<String>,
    principal_id: Option<String>,
}

/// When the file was changed last, if that can be told.
pub(super) fn changed_at(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

impl Mapping {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let failed = |reason: String| MappingError { path: path.to_owned(), reason };
        let mut text = String::new();
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(failed(format!("the file has more than {FILE_BYTES_MAX} bytes")));
        }
        Self::parse(&text).map_err(failed)
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut by_key = HashMap::with_capacity(document.identity.len());
        for entry in document.identity {
            let key = entry.access_key_id.clone();
            let principal = principal(entry).map_err(|reason| format!("identity of access key {key}: {reason}"))?;
            if by_key.insert(key.clone(), Arc::new(principal)).is_some() {
                return Err(format!("access key {key} is there twice"));
            }
        }
        Ok(Self { by_key })
    }

    /// Whose key it is.
    pub fn get(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.by_key.get(access_key_id).cloned()
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

fn principal(entry: Entry) -> Result<Principal, String> {
    let Entry { access_key_id, arn, account, user_name, principal_id } = entry;
    let legible = access_key_id.bytes().all(|byte| byte.is_ascii_graphic());
    if !legible || !(1..=ACCESS_KEY_ID_CHARS_MAX).contains(&access_key_id.len()) {
        return Err(format!("access_key_id must be 1 to {ACCESS_KEY_ID_CHARS_MAX} ASCII characters"));
    }
    let named = arn::principal(&arn)
        .ok_or_else(|| format!("{arn} is not the ARN of a root, a user, a role, a session of a role or a federated user"))?;
    if let (Some(said), Some(in_arn)) = (account, named.account)
        && said != in_arn
    {
        return Err(format!("account {said} is not the account of {arn}"));
    }
    let may_be_named = matches!(named.type_, PrincipalType::Root | PrincipalType::IamUser | PrincipalType::Role);
    if user_name.is_some() && !may_be_named {
        return Err(format!("{arn} has no user_name: it is a session"));
    }
    Ok(Principal {
        account: account.or(named.account),
        user_name: user_name.or(named.user_name),
        principal_id: principal_id.or(named.principal_id),
        access_key_id: Some(access_key_id),
        ..named
    })
}
