//! A plain HTTP/1.1 client over one connection, and signatures for it. Blocking and small, so that the load client takes
//! little of the machine it shares with the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::{digest, hmac};
use time::OffsetDateTime;
use time::macros::format_description;

use super::machine;

/// How long an answer may take; the server itself gives up sooner.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);
/// Bytes of an answer; the largest page of a lookup has about 13 MiB.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The service requests are signed for.
const SERVICE: &str = "cloudtrail";

/// One connection to a server.
pub(super) struct Link {
    stream: BufReader<TcpStream>,
    address: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Link {
    pub(super) fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self { stream: BufReader::with_capacity(256 << 10, stream), address: address.to_owned() })
    }

    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.call("GET", path, &[], &[])
    }

    pub(super) fn post(&mut self, path: &str, headers: &[(&str, String)], body: &[u8]) -> anyhow::Result<Answer> {
        self.call("POST", path, headers, body)
    }

    fn call(&mut self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> anyhow::Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.address, body.len());
        for (name, value) in headers {
            head.extend([*name, ": ", value.as_str(), "\r\n"]);
        }
        head.push_str("\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        self.answer().with_context(|| format!("{method} {path}"))
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no HTTP answer")?;
        let mut length = None;
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let length = length.context("an answer without length")?;
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// A caller's keys.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Keys {
    /// The headers of a signed call of an operation of CloudTrail (SigV4, header form).
    pub(super) fn sign(&self, address: &str, region: &str, operation: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        let at = OffsetDateTime::from_unix_timestamp(machine::now_s()).expect("the present");
        let stamp = at.format(format_description!("[year][month][day]T[hour][minute][second]Z")).expect("a format without gaps");
        let date = &stamp[..8];
        let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
        let names = "content-type;host;x-amz-date;x-amz-target";
        let media_type = "application/x-amz-json-1.1";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{media_type}\nhost:{address}\nx-amz-date:{stamp}\nx-amz-target:{target}\n\n{names}\n{}",
            sha256(body)
        );
        let scope = format!("{date}/{region}/{SERVICE}/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), date);
        for part in [region, SERVICE, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        let signature = hex::encode(mac(key.as_ref(), &text));
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.id);
        vec![
            ("content-type", media_type.to_owned()),
            ("x-amz-date", stamp),
            ("x-amz-target", target),
            ("authorization", authorization),
        ]
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}
