//! What is recognised of requests: reads one a line, as JSON (`{"method", "url", "headers": [[name, value]], "body"}`, the
//! body in base64), and answers one a line.

use std::io::{BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocols::Protocols;
use protocols::call::{Body, Surroundings, Wanted};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Asked {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Serialize)]
struct Answered {
    event_source: String,
    event_name: String,
    service: Option<String>,
    operation: Option<String>,
    bucket: Option<String>,
    key: Option<String>,
    /// Whether the record has requestParameters.
    parameters: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protocols = Protocols::new()?;
    let surroundings = Surroundings { region: "us-east-1".to_owned(), ..Surroundings::default() };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answered = answer(&protocols, &surroundings, &serde_json::from_str(&line?)?)?;
        serde_json::to_writer(&mut out, &answered)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn answer(protocols: &Protocols, surroundings: &Surroundings, asked: &Asked) -> Result<Answered, Box<dyn std::error::Error>> {
    let mut request = http::Request::builder().method(asked.method.as_str()).uri(&asked.url);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let (parts, ()) = request.body(())?.into_parts();
    let recognised = protocols.recognise(surroundings, &parts);
    let whole = match recognised.wanted() {
        Wanted::Whole { bytes_max } => Some(STANDARD.decode(&asked.body)?).filter(|body| body.len() <= bytes_max),
        Wanted::Fields { .. } => Some(STANDARD.decode(&asked.body)?),
        Wanted::Nothing => None,
    };
    let body = Body { whole: whole.map(Into::into) };
    let recognised = recognised.with_body(surroundings, &parts, &body);
    let operation = recognised.operation().map(|operation| operation.name.clone());
    let service = recognised.service.as_ref().map(|service| service.heading.name.clone());
    let (event_source, event_name) = (recognised.event_source.clone(), recognised.event_name.clone());
    let (bucket, key) = (recognised.bucket.clone(), recognised.key.clone());
    let parameters = recognised.read(surroundings, &parts, &body).request.parameters.is_some();
    Ok(Answered { event_source, event_name, service, operation, bucket, key, parameters })
}
