//! Buckets elsewhere as imports read them.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{EncodingType, Object};
use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode_str;

use super::super::{Found, Page, ReadError};
use super::{S3, refused};

/// A bucket elsewhere, in its Region.
pub struct Bucket {
    client: Client,
    name: String,
}

impl S3 {
    /// The bucket of that name; it may be one that cannot be read.
    pub(in crate::destinations) async fn bucket_to_read(&self, name: &str) -> Result<Bucket, ReadError> {
        let region = self.bucket(name).await?.region;
        Ok(Bucket { client: self.client(&region), name: name.to_owned() })
    }
}

impl Bucket {
    /// The objects whose keys begin with `prefix` and come after `after`, in order; a page of them.
    pub async fn list(&self, prefix: &str, after: Option<&str>, max: i32) -> Result<Page, ReadError> {
        let list = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(max);
        // Keys may have characters that XML has not.
        let list = list.encoding_type(EncodingType::Url).set_start_after(after.map(str::to_owned));
        let listed = list.send().await.map_err(|error| read_error(&error))?;
        let encoded = listed.encoding_type() == Some(&EncodingType::Url);
        let found = listed.contents().iter().filter_map(|object| found(object, encoded)).collect();
        Ok(Page { found, complete: listed.is_truncated() != Some(true) })
    }

    /// The bytes of an object, if there are no more than `bytes_max`.
    pub async fn get(&self, key: &str, bytes_max: u64) -> Result<Bytes, ReadError> {
        let got = self.client.get_object().bucket(&self.name).key(key).send().await;
        let mut got = got.map_err(|error| read_error(&error))?;
        let promised = got.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
        if promised > bytes_max {
            return Err(ReadError::too_large(bytes_max));
        }
        let mut content = BytesMut::with_capacity(promised as usize);
        while let Some(chunk) = got.body.next().await {
            let broken =
                |error| ReadError { code: None, message: format!("the object broke off: {}", DisplayErrorContext(&error)) };
            let chunk = chunk.map_err(broken)?;
            if (content.len() + chunk.len()) as u64 > bytes_max {
                return Err(ReadError::too_large(bytes_max));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }
}

fn found(object: &Object, encoded: bool) -> Option<Found> {
    let key = object.key()?;
    let key = if encoded { percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned() } else { key.to_owned() };
    Some(Found { key, bytes: object.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default() })
}

/// What S3 said, in its own words if it had any.
fn read_error<E>(error: &SdkError<E>) -> ReadError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    SdkError<E>: std::error::Error,
{
    let said = error.as_service_error().and_then(ProvideErrorMetadata::message).map(str::to_owned);
    let refused = refused(error);
    ReadError { code: refused.code, message: said.unwrap_or(refused.message) }
}
