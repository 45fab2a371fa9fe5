//! `POST /v1/import`: a tar of existing log files, compressed as they are; one line of answer a file.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use http::{HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use pipeline::capture::archive;
use pipeline::capture::envelope::FileError;
use pipeline::capture::origin::{Origin, Route};
use pipeline::capture::parcel::Parcel;
use pipeline::capture::recorder::Sender;
use serde::Serialize;
use tokio::sync::mpsc;

use super::events::{self, Answer, Received};
use super::{Refusal, typed};
use crate::control::Failure;
use crate::listener::Body;
use crate::principals::Principal;
use crate::service::Service;

/// Files read together; their records share a group commit.
const FILES_TOGETHER_MAX: usize = 512;
/// Bytes of records read together; bounds memory, since a file may inflate a lot.
const BYTES_TOGETHER_MAX: usize = 8 << 20;
/// Groups of files read ahead of the recorder.
const GROUPS_AHEAD: usize = 2;
/// The header that names where records went.
const DESTINATION: HeaderName = HeaderName::from_static("trailkeep-destination");
const DESTINATION_BYTES: usize = 16;

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Read(Box<Answer>),
    Damaged { error: Damage<'a> },
}

#[derive(Serialize)]
struct Damage<'a> {
    code: String,
    message: &'a str,
}

/// Files that were read together.
#[derive(Default)]
struct Group {
    names: Vec<String>,
    /// In the order of `names`; a damaged file has no parcel.
    read: Vec<Result<Parcel, FileError>>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, name: String, read: Result<Parcel, FileError>) {
        let events = read.as_ref().map_or(&[][..], |parcel| &parcel.events);
        self.bytes += events.iter().map(|(_, event)| event.bytes().len()).sum::<usize>();
        self.names.push(name);
        self.read.push(read);
    }

    fn is_full(&self) -> bool {
        self.names.len() >= FILES_TOGETHER_MAX || self.bytes >= BYTES_TOGETHER_MAX
    }
}

/// Records the files of one archive.
pub(super) async fn post(service: &Arc<Service>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let Received { principal, region, body, room: _room } = events::receive(service, &parts, body).await?;
    let routes = events::routes(service, &principal, &region, parts.uri.query().unwrap_or_default())?;
    let destination = destination(service, &principal, &routes)?;
    let sender = events::sender_of(&principal);
    let _turn = service.room.turn_to_import().await?;
    let (groups, mut read) = mpsc::channel(GROUPS_AHEAD);
    let admitting = Admitting { size_max: service.lake.event_bytes_max(principal.account), account: principal.account, region };
    let reading = tokio::task::spawn_blocking(move || read_groups(&body, &admitting, &groups));
    let mut lines = Vec::new();
    let mut under_way = None;
    while let Some(group) = read.recv().await {
        let next = enqueue(service, group, routes.clone(), &sender).await?;
        if let Some(previous) = under_way.replace(next) {
            tell(previous, &mut lines).await?;
        }
    }
    if let Some(last) = under_way {
        tell(last, &mut lines).await?;
    }
    let ended = reading.await.map_err(|error| Refusal::from(Failure::internal(error)))?;
    match ended {
        Ok(()) => {
            let mut answer = typed(lines, "application/x-ndjson");
            answer.headers_mut().insert(DESTINATION, destination);
            Ok(answer)
        }
        // What was read before the damage is kept; sending the archive again makes it duplicates.
        Err(error) => Err(Refusal::malformed(format!("the archive cannot be read: {error}"))),
    }
}

/// Names this installation, the account and the event data stores that are named, so that who notes what was imported does
/// not take another destination for the same: neither a new data directory at an old address, nor a new store with an old
/// name.
fn destination(service: &Service, principal: &Principal, routes: &[Route]) -> Result<HeaderValue, Refusal> {
    let routes: Vec<u32> = routes.iter().map(|route| route.bits()).collect();
    let tag = service.token_tag("import destination", format!("{} {routes:?}", principal.account).as_bytes());
    let name = hex::encode(tag.get(..DESTINATION_BYTES).unwrap_or_default());
    HeaderValue::try_from(name).map_err(|error| Refusal::from(Failure::internal(error)))
}

/// What records are admitted by.
struct Admitting {
    size_max: usize,
    /// Of records that name none, as the Region.
    account: AccountId,
    region: Region,
}

/// Takes the archive apart, group by group, as fast as the recorder takes them.
fn read_groups(body: &Bytes, admitting: &Admitting, groups: &mpsc::Sender<Group>) -> std::io::Result<()> {
    let Admitting { size_max, account, region } = admitting;
    let mut group = Group::default();
    let mut wanted = true;
    archive::read(&body[..], |file| {
        let member = file.unpack();
        group.add(member.name, member.records.map(|records| records.admit_up_to(*size_max, *account, region)));
        if group.is_full() {
            wanted = groups.blocking_send(std::mem::take(&mut group)).is_ok();
        }
        wanted
    })?;
    if wanted && !group.names.is_empty() {
        // Without a receiver the request is over, and so is this.
        drop(groups.blocking_send(group));
    }
    Ok(())
}

struct UnderWay {
    names: Vec<String>,
    damaged: Vec<Option<FileError>>,
    pending: pipeline::capture::recorder::Pending,
}

async fn enqueue(service: &Service, group: Group, routes: Vec<Route>, sender: &Sender) -> Result<UnderWay, Refusal> {
    let mut damaged = Vec::with_capacity(group.read.len());
    let mut parcels = Vec::with_capacity(group.read.len());
    for file in group.read {
        match file {
            Ok(parcel) => {
                parcels.push(parcel);
                damaged.push(None);
            }
            Err(error) => damaged.push(Some(error)),
        }
    }
    let pending = service.recorder.enqueue_to(parcels, Origin::Import, routes, sender).await?;
    Ok(UnderWay { names: group.names, damaged, pending })
}

/// Writes the lines of a group once its records are on disk.
async fn tell(group: UnderWay, lines: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut outcomes = group.pending.durable().await?.into_iter();
    for (file, damaged) in group.names.iter().zip(&group.damaged) {
        let told = match damaged {
            Some(error) => Told::Damaged { error: Damage { code: error.code.to_string(), message: &error.message } },
            None => Told::Read(Box::new(outcomes.next().unwrap_or_default().into())),
        };
        serde_json::to_writer(&mut *lines, &Line { file, told }).map_err(|error| Refusal::from(Failure::internal(error)))?;
        lines.write_all(b"\n").map_err(|error| Refusal::from(Failure::internal(error)))?;
    }
    Ok(())
}
