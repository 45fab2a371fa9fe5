//! Tags of trails, event data stores and channels.

use api::cloudtrail as wire;
use api::{ErrorCode, Operation};
use catalog::channels;
use catalog::event_data_stores::{self, Store};
use catalog::trails::{self, Trail};
use cloudtrail::arn::Arn;
use cloudtrail::channel;
use cloudtrail::trail::{self, Tag};

use super::channels::{is_here, not_found, refuse_service_linked};
use super::{Call, Failure, event_data_stores as stores};

/// Tags of one page; a resource has at most 50, a call names at most 20.
const IDS_MAX: usize = trail::LIST_TAGS_IDS_MAX;

/// AddTags: the same key is overwritten.
pub async fn add(call: &mut Call<'_>, input: wire::AddTagsRequest) -> Result<wire::AddTagsResponse, Failure> {
    let added: Vec<Tag> = input.tags_list.into_iter().map(domain).collect();
    change(call, &input.resource_id, |present| Ok(trail::add_tags(present, &added)?)).await?;
    Ok(wire::AddTagsResponse::default())
}

/// RemoveTags: by key, whatever the value.
pub async fn remove(call: &mut Call<'_>, input: wire::RemoveTagsRequest) -> Result<wire::RemoveTagsResponse, Failure> {
    let removed: Vec<Tag> = input.tags_list.into_iter().map(domain).collect();
    change(call, &input.resource_id, |present| Ok(trail::remove_tags(present, &removed))).await?;
    Ok(wire::RemoveTagsResponse::default())
}

/// ListTags: of resources of the Region that is called.
pub async fn list(call: &mut Call<'_>, input: wire::ListTagsRequest) -> Result<wire::ListTagsResponse, Failure> {
    if input.next_token.is_some_and(|token| !token.is_empty()) {
        return Err(Failure::new(ErrorCode::InvalidTokenException, "Reserved for future use."));
    }
    if input.resource_id_list.is_empty() || input.resource_id_list.len() > IDS_MAX {
        return Err(Failure::new(
            ErrorCode::CloudTrailARNInvalidException,
            format!("You must specify 1 to {IDS_MAX} resource ARNs."),
        ));
    }
    let mut resource_tag_list = Vec::with_capacity(input.resource_id_list.len());
    for id in input.resource_id_list {
        let tags = match resource(call, &id).await? {
            Resource::Trail(trail) => trails::tags(call.catalog(), &trail.arn).await?,
            Resource::Store(store) => event_data_stores::tags(call.catalog(), store.number).await?,
            Resource::Channel => channels::tags(call.catalog(), &id).await?,
        };
        let tags_list = tags.into_iter().map(|tag| wire::Tag { key: tag.key, value: tag.value }).collect();
        resource_tag_list.push(wire::ResourceTag { resource_id: Some(id), tags_list: Some(tags_list) });
    }
    Ok(wire::ListTagsResponse { resource_tag_list: Some(resource_tag_list), next_token: None })
}

/// What bears tags.
enum Resource {
    Trail(Box<Trail>),
    Store(Box<Store>),
    Channel,
}

/// Makes of a resource's tags what `change` says.
async fn change(call: &mut Call<'_>, id: &str, change: impl FnOnce(&[Tag]) -> Result<Vec<Tag>, Failure>) -> Result<(), Failure> {
    match resource(call, id).await? {
        Resource::Trail(trail) => {
            let tx = call.tx().await?;
            let tags = change(&trails::tags_in(tx, &trail.arn).await?)?;
            if !trails::set_tags(tx, &trail.arn, &tags).await? {
                return Err(gone(&trail.arn));
            }
        }
        Resource::Store(_) => {
            // Another call may have deleted it since it was looked up.
            let store = stores::active_in(call, id).await?;
            let tx = call.tx().await?;
            let tags = change(&event_data_stores::tags_in(tx, store.number).await?)?;
            event_data_stores::set_tags(tx, store.number, &tags).await?;
        }
        Resource::Channel => {
            let tx = call.tx().await?;
            let channel = channels::get_in(tx, id).await?.ok_or_else(|| not_found(id))?;
            refuse_service_linked(&channel)?;
            let tags = change(&channels::tags_in(tx, id).await?)?;
            channels::set_tags(tx, id, &tags).await?;
        }
    }
    Ok(())
}

/// The resource a full ARN names. Tags of other resources come with those resources.
async fn resource(call: &Call<'_>, id: &str) -> Result<Resource, Failure> {
    let not_arn = || Failure::new(ErrorCode::CloudTrailARNInvalidException, format!("The resource ARN {id} is not valid."));
    let arn: Arn = id.parse().map_err(|_| not_arn())?;
    if arn.service != "cloudtrail" {
        return Err(not_arn());
    }
    if arn.trail_name().is_some() {
        return trail(call, id).await.map(|trail| Resource::Trail(Box::new(trail)));
    }
    if arn.event_data_store_id().is_some() {
        let store = stores::find(call, id).await?;
        return if store.status.is_active() { Ok(Resource::Store(Box::new(store))) } else { Err(stores::inactive(&store)) };
    }
    if arn.resource.starts_with("channel/") {
        channel::parse_arn(id)?;
        let channel = channels::get(call.catalog(), id).await?.filter(|channel| is_here(channel, call));
        // ListTags alone does not model a code of its own for channels.
        let missing = if call.operation == Operation::ListTags { gone } else { not_found };
        return channel.map(|_| Resource::Channel).ok_or_else(|| missing(id));
    }
    let message = format!("{id} is neither a trail nor an event data store nor a channel.");
    Err(Failure::new(ErrorCode::ResourceTypeNotSupportedException, message))
}

async fn trail(call: &Call<'_>, id: &str) -> Result<Trail, Failure> {
    trail::NameOrArn::parse(id)?;
    let all = trails::of_account(call.catalog(), call.account()).await?;
    let home = |trail: &Trail| trail.settings.home_region == call.region;
    all.into_iter().find(|trail| trail.arn == id && home(trail)).ok_or_else(|| gone(id))
}

fn gone(id: &str) -> Failure {
    Failure::new(ErrorCode::ResourceNotFoundException, format!("Resource {id} does not exist."))
}

fn domain(tag: wire::Tag) -> Tag {
    Tag { key: tag.key, value: tag.value }
}
