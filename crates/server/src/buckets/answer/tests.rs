use super::*;

fn ids() -> Ids {
    Ids { request_id: "REQUEST1".into(), id2: "two".into() }
}

fn body(response: &Response<Body>) -> String {
    String::from_utf8(response.body().bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn an_error_says_code_message_resource_and_ids() {
    let (response, error) = finish(refused(Error::refused("NoSuchKey", "no <such> & key")), &ids(), "/b/a<b");
    assert_eq!(error, Some(("NoSuchKey".into(), "no <such> & key".into())));
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["x-amz-request-id"], "REQUEST1");
    assert_eq!(response.headers()["x-amz-id-2"], "two");
    assert_eq!(
        body(&response),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>no &lt;such&gt; &amp; key</Message>\
         <Resource>/b/a&lt;b</Resource><RequestId>REQUEST1</RequestId><HostId>two</HostId></Error>"
    );
}

#[test]
fn an_error_without_words_gets_the_usual_ones() {
    let mut response = Response::new(Body::from("<Error><Code>SignatureDoesNotMatch</Code></Error>".to_owned()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let (_, error) = finish(response, &ids(), "/");
    assert!(error.unwrap().1.starts_with("The request signature we calculated"));
}

#[test]
fn not_modified_has_no_body() {
    let mut response = Response::new(Body::from("<Error><Code>NotModified</Code></Error>".to_owned()));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    let (response, _) = finish(response, &ids(), "/");
    assert_eq!(body(&response), "");
}
