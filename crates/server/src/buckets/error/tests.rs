use super::*;

#[test]
fn a_full_disk_asks_the_client_to_slow_down() {
    let error = Error::File { path: "/data/content".into(), source: io::Error::from(io::ErrorKind::StorageFull) };
    assert_eq!(error.code(), "SlowDown");
    let answer = S3Error::from(error);
    assert_eq!(answer.status_code(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(answer.message(), Some("The disk is full. Nothing was stored."));
}

#[test]
fn other_failures_do_not_tell_the_caller_where_files_are() {
    let error = Error::File { path: "/data/content".into(), source: io::Error::from(io::ErrorKind::PermissionDenied) };
    let answer = S3Error::from(error);
    assert_eq!(answer.status_code(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert!(!answer.message().unwrap().contains("/data"));
}

#[test]
fn codes_that_s3s_does_not_know_have_their_status() {
    let answer = S3Error::from(Error::refused("NoSuchPublicAccessBlockConfiguration", "none"));
    assert_eq!(answer.status_code(), Some(StatusCode::NOT_FOUND));
    let answer = S3Error::from(Error::refused("XAmzContentSHA256Mismatch", "no"));
    assert_eq!(answer.status_code(), Some(StatusCode::BAD_REQUEST));
}
