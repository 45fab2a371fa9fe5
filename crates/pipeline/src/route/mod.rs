//! Handing what the journal holds to followers, each at its own pace.
