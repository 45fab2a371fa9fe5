//! The model that may write queries for GenerateQuery.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Error, setting};

/// `[generate]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateFile {
    /// The URL of an endpoint that speaks OpenAI's chat completions.
    pub endpoint: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// The file that holds the key.
    pub api_key_file: Option<PathBuf>,
}

/// A model that writes queries.
#[derive(Clone, Debug)]
pub struct Generate {
    /// The URL of its endpoint.
    pub endpoint: String,
    /// Its name.
    pub model: String,
    /// The file that holds the key, if it takes one.
    pub api_key_file: Option<PathBuf>,
}

impl GenerateFile {
    pub(super) fn checked(self) -> Result<Option<Generate>, Error> {
        let Some(endpoint) = self.endpoint else {
            let alone = self.model.is_some() || self.api_key_file.is_some();
            return if alone { Err(setting("generate.endpoint", "is missing")) } else { Ok(None) };
        };
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(setting("generate.endpoint", format!("{endpoint:?} is not a URL")));
        }
        let model = self.model.ok_or_else(|| setting("generate.model", "is missing"))?;
        Ok(Some(Generate { endpoint, model, api_key_file: self.api_key_file }))
    }
}
