//! ListPublicKeys: the keys that check the signatures of digests, of the Region that is called.

use api::cloudtrail as wire;
use api::{Blob, ErrorCode, Timestamp};
use catalog::keys;

use super::{Call, Failure};

/// Every key whose validity overlaps the range; without times, the current one. All on one page: clients read only the
/// first.
pub async fn list(call: &mut Call<'_>, input: wire::ListPublicKeysRequest) -> Result<wire::ListPublicKeysResponse, Failure> {
    if input.next_token.is_some_and(|token| !token.is_empty()) {
        return Err(Failure::new(ErrorCode::InvalidTokenException, "Reserved for future use."));
    }
    let now_s = call.now_s();
    let start_s = input.start_time.map_or(now_s, Timestamp::s);
    let end_s = input.end_time.map_or_else(|| now_s.max(start_s), Timestamp::s);
    if start_s > end_s {
        return Err(Failure::new(ErrorCode::InvalidTimeRangeException, "The start time must not be after the end time."));
    }
    let found = keys::overlapping(call.catalog(), call.region.as_str(), start_s, end_s).await?;
    let public_key = |key: keys::Key| wire::PublicKey {
        value: Some(Blob(key.public_der)),
        validity_start_time: Some(Timestamp::from_s(key.valid_from_s)),
        validity_end_time: Some(Timestamp::from_s(key.valid_until_s)),
        fingerprint: Some(key.fingerprint),
    };
    Ok(wire::ListPublicKeysResponse { public_key_list: Some(found.into_iter().map(public_key).collect()), next_token: None })
}
