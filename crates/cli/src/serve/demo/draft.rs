//! A record before it is written: what differs between calls. The rest is the same for all.

use cloudtrail::event::time_text;

use super::company::Who;
use super::random::Random;

/// A call.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) time_s: i64,
    pub(super) who: Who,
    /// Without `.amazonaws.com`.
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) region: &'static str,
    pub(super) read_only: bool,
    /// JSON text.
    pub(super) parameters: String,
    /// JSON text.
    pub(super) response: String,
    /// Code and message.
    pub(super) error: Option<(&'static str, String)>,
    /// JSON text of the array.
    pub(super) resources: Option<String>,
    /// JSON text.
    pub(super) additional: Option<String>,
    pub(super) kind: &'static str,
}

impl Draft {
    /// A read of `service` that worked.
    pub(super) fn read(time_s: i64, who: &Who, service: &'static str, name: &'static str, parameters: impl Into<String>) -> Self {
        Self {
            time_s,
            who: who.clone(),
            service,
            name,
            region: home_of(service),
            read_only: true,
            parameters: parameters.into(),
            response: "null".to_owned(),
            error: None,
            resources: None,
            additional: None,
            kind: "AwsApiCall",
        }
    }

    /// A change that worked.
    pub(super) fn write(
        time_s: i64,
        who: &Who,
        service: &'static str,
        name: &'static str,
        parameters: impl Into<String>,
    ) -> Self {
        Self { read_only: false, ..Self::read(time_s, who, service, name, parameters) }
    }

    pub(super) fn answered(self, response: impl Into<String>) -> Self {
        Self { response: response.into(), ..self }
    }

    /// The call was refused: records of refusals have no parameters and no answer.
    pub(super) fn denied(self, account: &str) -> Self {
        let (service, name, arn) = (self.service, self.name, self.who.arn(account));
        let message = format!(
            "User: {arn} is not authorized to perform: {service}:{name} because no identity-based policy allows the {service}:{name} action"
        );
        Self { parameters: "null".to_owned(), ..self.failed("AccessDenied", message) }
    }

    pub(super) fn failed(self, code: &'static str, message: impl Into<String>) -> Self {
        Self { error: Some((code, message.into())), response: "null".to_owned(), resources: None, ..self }
    }

    pub(super) fn on_bucket(self, account: &str, bucket: &str) -> Self {
        let resources = format!(r#"[{{"accountId":"{account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{bucket}"}}]"#);
        Self { resources: Some(resources), ..self }
    }

    /// The record's text, in CloudTrail's order of keys.
    pub(super) fn render(&self, account: &str, random: &mut Random) -> Vec<u8> {
        let Self { service, name, region, parameters, response, .. } = self;
        let service_call = self.who.invoked_by().is_some();
        let mut text = format!(
            r#"{{"eventVersion":"1.11","userIdentity":{},"eventTime":"{}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{}","userAgent":"{}","#,
            self.who.identity(account, self.time_s),
            time_text(self.time_s),
            self.who.address(),
            self.who.agent(),
        );
        if let Some((code, message)) = &self.error {
            text += &format!(r#""errorCode":"{code}","errorMessage":"{message}","#);
        }
        text += &format!(r#""requestParameters":{parameters},"responseElements":{response},"#);
        if let Some(additional) = &self.additional {
            text += &format!(r#""additionalEventData":{additional},"#);
        }
        let request_id = if *service == "s3" { random.letters(16) } else { random.uuid() };
        text += &format!(r#""requestID":"{request_id}","eventID":"{}","readOnly":{},"#, random.uuid(), self.read_only);
        if let Some(resources) = &self.resources {
            text += &format!(r#""resources":{resources},"#);
        }
        text += &format!(
            r#""eventType":"{}","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management""#,
            self.kind
        );
        if !service_call && self.kind == "AwsApiCall" {
            text += &format!(
                r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}"#
            );
        }
        if self.who.in_console() && self.kind == "AwsApiCall" {
            text += r#","sessionCredentialFromConsole":"true""#;
        }
        text.push('}');
        text.into_bytes()
    }
}

/// Global services are recorded in us-east-1; the company works in Frankfurt.
fn home_of(service: &str) -> &'static str {
    if matches!(service, "iam" | "cloudfront" | "route53" | "organizations" | "signin") { "us-east-1" } else { "eu-central-1" }
}
