use http::HeaderMap;

use super::*;
use crate::answers::{failure, request_id};

#[test]
fn our_refusals_are_read_as_the_services_are() {
    let protocols = [
        Protocol::Json10,
        Protocol::Json11,
        Protocol::Query,
        Protocol::Ec2,
        Protocol::RestJson,
        Protocol::RestXml,
        Protocol::RpcV2Cbor,
    ];
    for protocol in protocols {
        for is_s3 in [false, true] {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let refusal = refusal(Some(protocol), is_s3, status, "ServiceUnavailable", "no <room> & time", "id-1");
            let mut headers = HeaderMap::new();
            headers.insert("content-type", refusal.content_type.parse().unwrap());
            for (name, value) in &refusal.headers {
                headers.insert(*name, value.parse().unwrap());
            }
            let told = failure(None, status, &headers, Some(&refusal.body)).unwrap();
            assert_eq!(told, ("ServiceUnavailable".to_owned(), Some("no <room> & time".to_owned())), "{protocol:?}");
            assert_eq!(request_id(Some(protocol), &headers, Some(&refusal.body)).as_deref(), Some("id-1"));
        }
    }
}
