//! Tags of trails.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::trails::{self, Trail};
use cloudtrail::arn::Arn;
use cloudtrail::trail::{self, Tag};

use super::{Call, Failure};

/// Tags of one page; a resource has at most 50, a call names at most 20.
const IDS_MAX: usize = trail::LIST_TAGS_IDS_MAX;

/// AddTags: the same key is overwritten.
pub async fn add(call: &mut Call<'_>, input: wire::AddTagsRequest) -> Result<wire::AddTagsResponse, Failure> {
    let trail = resource(call, &input.resource_id).await?;
    let added: Vec<Tag> = input.tags_list.into_iter().map(domain).collect();
    let tx = call.tx().await?;
    let tags = trail::add_tags(&trails::tags_in(tx, &trail.arn).await?, &added)?;
    if !trails::set_tags(tx, &trail.arn, &tags).await? {
        return Err(gone(&trail.arn));
    }
    Ok(wire::AddTagsResponse::default())
}

/// RemoveTags: by key, whatever the value.
pub async fn remove(call: &mut Call<'_>, input: wire::RemoveTagsRequest) -> Result<wire::RemoveTagsResponse, Failure> {
    let trail = resource(call, &input.resource_id).await?;
    let removed: Vec<Tag> = input.tags_list.into_iter().map(domain).collect();
    let tx = call.tx().await?;
    let tags = trail::remove_tags(&trails::tags_in(tx, &trail.arn).await?, &removed);
    if !trails::set_tags(tx, &trail.arn, &tags).await? {
        return Err(gone(&trail.arn));
    }
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
        let trail = resource(call, &id).await?;
        let tags = trails::tags(call.catalog(), &trail.arn).await?;
        let tags_list = tags.into_iter().map(|tag| wire::Tag { key: tag.key, value: tag.value }).collect();
        resource_tag_list.push(wire::ResourceTag { resource_id: Some(id), tags_list: Some(tags_list) });
    }
    Ok(wire::ListTagsResponse { resource_tag_list: Some(resource_tag_list), next_token: None })
}

/// The trail a full ARN names. Tags of other resources come with those resources.
async fn resource(call: &Call<'_>, id: &str) -> Result<Trail, Failure> {
    let not_arn = || Failure::new(ErrorCode::CloudTrailARNInvalidException, format!("The resource ARN {id} is not valid."));
    let arn: Arn = id.parse().map_err(|_| not_arn())?;
    if arn.service != "cloudtrail" {
        return Err(not_arn());
    }
    if arn.trail_name().is_none() {
        return Err(Failure::new(ErrorCode::ResourceTypeNotSupportedException, format!("{id} is not a trail.")));
    }
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
