//! An audit in a place of its own, and calls for it.

use http::Request;

use super::*;
use crate::identities::Sessions;
use crate::ledger::tests::site::{Opened, Site, account, region};

const IDENTITIES: &str = r#"
[[identity]]
access_key_id = "AKIAMARY"
arn = "arn:aws:iam::123456789012:user/mary"
"#;

pub(super) struct Place {
    site: Site,
    pub(super) opened: Opened,
    pub(super) audit: Audit,
    pub(super) watch: Watch,
}

impl Place {
    pub(super) async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::keeping(true, change).await
    }

    /// With a trail that keeps data events or without.
    pub(super) async fn keeping(keeps_data: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let mut site = Site::new();
        site.keeps_data = keeps_data;
        Self::on(site, change).await
    }

    async fn on(site: Site, change: impl FnOnce(&mut Settings)) -> Self {
        let opened = site.open().await;
        let (sessions, _) = Sessions::open(opened.catalog.clone(), site.now.clone());
        let file = site.dir.path().join("identities.toml");
        std::fs::write(&file, IDENTITIES).unwrap();
        let roots: crate::identities::Roots = Arc::new(|key| (key == "AKIAROOT").then(account));
        let (identities, _) = Identities::open(sessions, Some(file), roots).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let numbers = std::sync::atomic::AtomicU64::new(opened.journal.committed());
        let (audit, watch) = Audit::new(Parts {
            settings,
            protocols: Protocols::new().unwrap(),
            ledger: opened.ledger.clone(),
            identities,
            takes_account: Arc::new(|named, learnt| !learnt || named == account()),
            clock: site.now.clone(),
            random_uuid: Arc::new(move || format!("id-{}", numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed))),
        });
        Self { site, opened, audit, watch }
    }

    pub(super) async fn admit(&self, head: &request::Parts) -> Result<Admitted, Refusal> {
        self.audit.begin(&client(), head).admit(Body::default()).await
    }

    /// Waits until every call that is over is settled, and takes more.
    pub(super) async fn settled(&self) {
        self.audit.inner.recording.close();
        self.audit.inner.recording.wait().await;
        self.audit.inner.recording.reopen();
    }

    /// Dies and starts again.
    pub(super) async fn reopened(self, change: impl FnOnce(&mut Settings)) -> Self {
        let Self { site, opened, audit, watch } = self;
        opened.die().await;
        drop((audit, watch));
        Self::on(site, change).await
    }

    /// Dies and starts again; returns how many events there are then.
    pub(super) async fn restart(self) -> usize {
        self.reopened(|_| {}).await.opened.events().len()
    }
}

fn settings() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        upstream: "http://127.0.0.1:9000".parse().unwrap(),
        upstream_ca: None,
        record_data_events: DataEvents::All,
        on_failure: OnFailure::Refuse,
        trusted_proxies: Vec::new(),
        identities: None,
        service: Some("s3".to_owned()),
        bucket_domains: Vec::new(),
        account: account(),
        region: region(),
    }
}

pub(super) fn client() -> Client {
    Client { source_ip: "192.0.2.7".parse().unwrap(), tls: None }
}

pub(super) fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut request =
        Request::builder().method(method).uri(uri).header("host", "127.0.0.1:8000").header("user-agent", "tester/1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

pub(super) fn signed(method: &str, uri: &str, key: &str) -> request::Parts {
    signed_for(method, uri, key, "s3")
}

pub(super) fn signed_for(method: &str, uri: &str, key: &str, service: &str) -> request::Parts {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261120/eu-west-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=ab"
    );
    head(method, uri, &[("authorization", &authorization), ("x-amz-date", "20261120T000000Z")])
}

pub(super) fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let head = response.body(()).unwrap().into_parts().0;
    let body = Body { whole: (!body.is_empty()).then(|| body.to_owned().into()) };
    Outcome { ending: Ending::Answered { head, body }, bytes_in: 0, bytes_out: 0 }
}
