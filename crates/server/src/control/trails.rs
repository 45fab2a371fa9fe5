//! Trails: making, changing and deleting them, and what they report.

use api::cloudtrail as wire;
use api::{ErrorCode, Operation, Timestamp};
use catalog::trails::{self, Trail};
use cloudtrail::account::AccountId;
use cloudtrail::event::time_text;
use cloudtrail::region::Region;
use cloudtrail::selectors::Selectors;
use cloudtrail::trail::{self, Change, Invalid, NameOrArn, PER_REGION_MAX, Settings, Tag};

use super::call::Effect;
use super::{Call, Failure, missing};
use crate::destinations::PreflightError;

/// CreateTrail.
pub async fn create(call: &mut Call<'_>, input: wire::CreateTrailRequest) -> Result<wire::CreateTrailResponse, Failure> {
    refuse_unbuilt(
        call.operation,
        &[
            ("SnsTopicName", &input.sns_topic_name),
            ("CloudWatchLogsLogGroupArn", &input.cloud_watch_logs_log_group_arn),
            ("CloudWatchLogsRoleArn", &input.cloud_watch_logs_role_arn),
            ("KmsKeyId", &input.kms_key_id),
        ],
        input.is_organization_trail,
    )?;
    let change = Change {
        s3_bucket_name: Some(input.s3_bucket_name),
        s3_key_prefix: input.s3_key_prefix,
        include_global_service_events: input.include_global_service_events,
        is_multi_region_trail: input.is_multi_region_trail,
        enable_log_file_validation: input.enable_log_file_validation,
        recursive_logging: input.recursive_logging,
    };
    let settings = Settings::create(&input.name, &change, call.account(), call.region.clone())?;
    let given: Vec<Tag> =
        input.tags_list.unwrap_or_default().into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect();
    let tags = trail::add_tags(&[], &given)?;
    let arn = settings.arn(&call.service.config.partition).to_string();
    refuse_taken(&trails::of_account(call.catalog(), call.account()).await?, &settings)?;
    preflight(call, &settings, &arn).await?;

    let (now_us, account) = (call.now_us, call.account());
    let tx = call.tx().await?;
    refuse_taken(&trails::of_account_in(tx, account).await?, &settings)?;
    let trail = Trail::new(arn.clone(), settings, Selectors::default_for_new_trail(), now_us);
    trails::insert(tx, &trail).await?;
    trails::set_tags(tx, &arn, &tags).await?;
    call.after_commit(Effect::TrailChanged(arn));
    Ok(created(&trail))
}

/// UpdateTrail.
pub async fn update(call: &mut Call<'_>, input: wire::UpdateTrailRequest) -> Result<wire::UpdateTrailResponse, Failure> {
    refuse_unbuilt(
        call.operation,
        &[
            ("SnsTopicName", &input.sns_topic_name),
            ("CloudWatchLogsLogGroupArn", &input.cloud_watch_logs_log_group_arn),
            ("CloudWatchLogsRoleArn", &input.cloud_watch_logs_role_arn),
            ("KmsKeyId", &input.kms_key_id),
        ],
        input.is_organization_trail,
    )?;
    let change = Change {
        s3_bucket_name: input.s3_bucket_name,
        s3_key_prefix: input.s3_key_prefix,
        include_global_service_events: input.include_global_service_events,
        is_multi_region_trail: input.is_multi_region_trail,
        enable_log_file_validation: input.enable_log_file_validation,
        recursive_logging: input.recursive_logging,
    };
    let before = at_home(call, &input.name).await?;
    let settings = before.settings.update(&change)?;
    refuse_full(&trails::of_account(call.catalog(), call.account()).await?, &settings)?;
    preflight(call, &settings, &before.arn).await?;

    let (now_us, account) = (call.now_us, call.account());
    let tx = call.tx().await?;
    let now = trails::get_in(tx, &before.arn).await?.ok_or_else(|| unknown(&input.name, account))?;
    let settings = now.settings.update(&change)?;
    refuse_full(&trails::of_account_in(tx, account).await?, &settings)?;
    let trail = Trail { settings, updated_at_us: now_us, ..now };
    trails::update(tx, &trail).await?;
    call.after_commit(Effect::TrailChanged(trail.arn.clone()));
    Ok(updated(&trail))
}

/// DeleteTrail. Bucket and files stay; the record of this call is the last one the trail delivers.
pub async fn delete(call: &mut Call<'_>, input: wire::DeleteTrailRequest) -> Result<wire::DeleteTrailResponse, Failure> {
    let trail = at_home(call, &input.name).await?;
    let now_us = call.now_us;
    let there = trails::delete(call.tx().await?, &trail.arn, now_us).await?;
    still(there, &input.name, call)?;
    call.after_commit(Effect::TrailStops(trail.arn));
    Ok(wire::DeleteTrailResponse::default())
}

/// StartLogging.
pub async fn start_logging(call: &mut Call<'_>, input: wire::StartLoggingRequest) -> Result<wire::StartLoggingResponse, Failure> {
    let trail = at_home(call, &input.name).await?;
    let (now_s, from) = (call.now_s(), call.service.journal.committed());
    let there = trails::start_logging(call.tx().await?, &trail.arn, now_s, from).await?;
    still(there, &input.name, call)?;
    call.after_commit(Effect::TrailChanged(trail.arn));
    Ok(wire::StartLoggingResponse::default())
}

/// StopLogging. The record of this call is the last one the trail delivers.
pub async fn stop_logging(call: &mut Call<'_>, input: wire::StopLoggingRequest) -> Result<wire::StopLoggingResponse, Failure> {
    let trail = at_home(call, &input.name).await?;
    let now_s = call.now_s();
    let there = trails::stop_logging(call.tx().await?, &trail.arn, now_s).await?;
    still(there, &input.name, call)?;
    call.after_commit(Effect::TrailStops(trail.arn));
    Ok(wire::StopLoggingResponse::default())
}

/// GetTrail.
pub async fn get(call: &mut Call<'_>, input: wire::GetTrailRequest) -> Result<wire::GetTrailResponse, Failure> {
    Ok(wire::GetTrailResponse { trail: Some(described(&find(call, &input.name).await?)) })
}

/// DescribeTrails: those named, or all that record in this Region. Unknown names are left out.
pub async fn describe(call: &mut Call<'_>, input: wire::DescribeTrailsRequest) -> Result<wire::DescribeTrailsResponse, Failure> {
    let shadows = input.include_shadow_trails.unwrap_or(true);
    let names = input.trail_name_list.unwrap_or_default();
    let wanted = names.iter().map(|name| NameOrArn::parse(name)).collect::<Result<Vec<_>, Invalid>>()?;
    let all = in_order_of_creation(call).await?;
    let here = |trail: &&Trail| if shadows { records_in(trail, &call.region) } else { trail.settings.home_region == call.region };
    let named = |trail: &&Trail| wanted.is_empty() || wanted.iter().any(|name| is_named(trail, name, &call.region));
    let trail_list = all.iter().filter(here).filter(named).map(described).collect();
    Ok(wire::DescribeTrailsResponse { trail_list: Some(trail_list) })
}

/// ListTrails: every trail of the account, in whatever Region its home is.
pub async fn list(call: &mut Call<'_>, input: wire::ListTrailsRequest) -> Result<wire::ListTrailsResponse, Failure> {
    if input.next_token.is_some_and(|token| !token.is_empty()) {
        // The quota of trails keeps every list on one page, so no token was ever given out.
        return Err(Failure::new(ErrorCode::InvalidParameterException, "The specified token is not valid."));
    }
    let all = in_order_of_creation(call).await?;
    let info = |trail: &Trail| wire::TrailInfo {
        trail_arn: Some(trail.arn.clone()),
        name: Some(trail.settings.name.clone()),
        home_region: Some(trail.settings.home_region.to_string()),
    };
    Ok(wire::ListTrailsResponse { trails: Some(all.iter().map(info).collect()), next_token: None })
}

/// As AWS lists them (api.md, section 4: "DescribeTrails keeps creation order").
async fn in_order_of_creation(call: &Call<'_>) -> Result<Vec<Trail>, Failure> {
    let mut all = trails::of_account(call.catalog(), call.account()).await?;
    all.sort_by_key(|trail| trail.id);
    Ok(all)
}

/// GetTrailStatus, of the Region that is called.
pub async fn status(call: &mut Call<'_>, input: wire::GetTrailStatusRequest) -> Result<wire::GetTrailStatusResponse, Failure> {
    let trail = find_or(call, &input.name, |name, call| {
        // This operation alone names the ARN of a trail it does not find.
        let arn = cloudtrail::arn::trail_arn(&call.service.config.partition, &call.region, call.account(), name.name());
        unknown(&if let NameOrArn::Arn(arn) = name { arn.to_string() } else { arn.to_string() }, call.account())
    })
    .await?;
    let status = catalog::trail_status::get(call.catalog(), &trail.arn, call.region.as_str()).await?;
    let text = |seconds: Option<i64>| Some(seconds.map(time_text).unwrap_or_default());
    let instant = |seconds: Option<i64>| seconds.map(Timestamp::from_s);
    Ok(wire::GetTrailStatusResponse {
        is_logging: Some(trail.logging),
        start_logging_time: instant(trail.start_logging_s),
        stop_logging_time: instant(trail.stop_logging_s),
        latest_delivery_time: instant(status.latest_delivery_s),
        latest_delivery_error: status.latest_delivery_error,
        latest_digest_delivery_time: instant(status.latest_digest_delivery_s),
        latest_digest_delivery_error: status.latest_digest_delivery_error,
        latest_delivery_attempt_time: text(status.latest_delivery_attempt_s),
        latest_delivery_attempt_succeeded: text(status.latest_delivery_s),
        latest_notification_attempt_time: text(None),
        latest_notification_attempt_succeeded: text(None),
        time_logging_started: text(trail.start_logging_s),
        time_logging_stopped: text(trail.stop_logging_s),
        ..Default::default()
    })
}

/// The trail that `text` names, if it records in the Region that is called. A shadow trail needs its ARN.
pub(super) async fn find(call: &Call<'_>, text: &str) -> Result<Trail, Failure> {
    find_or(call, text, |name, call| {
        let given = if let NameOrArn::Arn(arn) = name { arn.to_string() } else { name.name().to_owned() };
        unknown(&given, call.account())
    })
    .await
}

async fn find_or(call: &Call<'_>, text: &str, not_found: impl Fn(&NameOrArn, &Call<'_>) -> Failure) -> Result<Trail, Failure> {
    let name = NameOrArn::parse(text)?;
    let all = trails::of_account(call.catalog(), call.account()).await?;
    let found = all.into_iter().find(|trail| is_named(trail, &name, &call.region) && records_in(trail, &call.region));
    found.ok_or_else(|| not_found(&name, call))
}

/// The trail that `text` names, which must be at home in the Region that is called: elsewhere it cannot be changed.
pub(super) async fn at_home(call: &Call<'_>, text: &str) -> Result<Trail, Failure> {
    let name = NameOrArn::parse(text)?;
    let all = trails::of_account(call.catalog(), call.account()).await?;
    let named = |trail: &&Trail| match &name {
        NameOrArn::Arn(arn) => trail.arn == arn.to_string(),
        NameOrArn::Name(name) => trail.settings.name == *name,
    };
    let home = |trail: &&Trail| trail.settings.home_region == call.region;
    if let Some(trail) = all.iter().find(|trail| named(trail) && home(trail)) {
        return Ok(trail.clone());
    }
    match all.iter().find(named) {
        Some(trail) if matches!(name, NameOrArn::Arn(_)) || records_in(trail, &call.region) => Err(Failure::new(
            ErrorCode::InvalidHomeRegionException,
            format!(
                "The requested operation is not supported in this Region. The home Region of this trail is {}.",
                trail.settings.home_region
            ),
        )),
        _ => Err(unknown(text, call.account())),
    }
}

/// Another call may have deleted the trail since it was looked up.
pub(super) fn still(there: bool, name: &str, call: &Call<'_>) -> Result<(), Failure> {
    if there { Ok(()) } else { Err(unknown(name, call.account())) }
}

fn unknown(text: &str, account: AccountId) -> Failure {
    Failure::new(ErrorCode::TrailNotFoundException, format!("Unknown trail: {text} for the user: {account}"))
}

fn records_in(trail: &Trail, region: &Region) -> bool {
    trail.settings.is_multi_region_trail || trail.settings.home_region == *region
}

/// A name means a trail at home in the Region that is called; an ARN means that trail.
fn is_named(trail: &Trail, name: &NameOrArn, region: &Region) -> bool {
    match name {
        NameOrArn::Arn(arn) => trail.arn == arn.to_string(),
        NameOrArn::Name(name) => trail.settings.name == *name && trail.settings.home_region == *region,
    }
}

fn refuse_unbuilt(
    operation: Operation,
    texts: &[(&'static str, &Option<String>)],
    organization: Option<bool>,
) -> Result<(), Failure> {
    let mut given: Vec<(&str, bool)> =
        texts.iter().map(|(name, text)| (*name, text.as_deref().is_some_and(|text| !text.is_empty()))).collect();
    given.push(("IsOrganizationTrail", organization == Some(true)));
    missing::refuse(operation, &given)
}

fn refuse_taken(all: &[Trail], settings: &Settings) -> Result<(), Failure> {
    if all.iter().any(|trail| trail.settings.name == settings.name && trail.settings.home_region == settings.home_region) {
        return Err(Failure::new(
            ErrorCode::TrailAlreadyExistsException,
            format!("Trail {} already exists for customer: {}", settings.name, settings.account),
        ));
    }
    refuse_full(all, settings)
}

/// A multi-Region trail takes one of the five places in every Region.
fn refuse_full(all: &[Trail], settings: &Settings) -> Result<(), Failure> {
    let others: Vec<&Trail> = all
        .iter()
        .filter(|trail| !(trail.settings.name == settings.name && trail.settings.home_region == settings.home_region))
        .collect();
    let homes = others.iter().map(|trail| &trail.settings.home_region).filter(|_| settings.is_multi_region_trail);
    for region in homes.chain([&settings.home_region]) {
        if others.iter().filter(|trail| records_in(trail, region)).count() >= PER_REGION_MAX {
            return Err(Failure::new(
                ErrorCode::MaximumNumberOfTrailsExceededException,
                format!("User: {} already has {PER_REGION_MAX} trails in {region}.", settings.account),
            ));
        }
    }
    Ok(())
}

/// Tries the bucket as deliveries will use it.
async fn preflight(call: &Call<'_>, settings: &Settings, arn: &str) -> Result<(), Failure> {
    let bucket = &settings.s3_bucket_name;
    call.service.delivery.preflight(settings, arn).await.map_err(|error| match error {
        PreflightError::NoSuchBucket => {
            Failure::new(ErrorCode::S3BucketDoesNotExistException, format!("S3 bucket {bucket} does not exist!"))
        }
        PreflightError::AccessDenied => Failure::new(
            ErrorCode::InsufficientS3BucketPolicyException,
            format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
        ),
        PreflightError::Unreachable(reason) => {
            tracing::warn!(%reason, bucket, "a trail's bucket cannot be reached");
            Failure::new(
                ErrorCode::InsufficientS3BucketPolicyException,
                format!("S3 bucket {bucket} cannot be reached: {reason}"),
            )
        }
    })
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        let code = match &invalid {
            Invalid::Name(_) => ErrorCode::InvalidTrailNameException,
            Invalid::Arn(_) => ErrorCode::CloudTrailARNInvalidException,
            Invalid::BucketName(_) => ErrorCode::InvalidS3BucketNameException,
            Invalid::KeyPrefix(_) => ErrorCode::InvalidS3PrefixException,
            Invalid::Combination(_) => ErrorCode::InvalidParameterCombinationException,
            Invalid::Tag(_) => ErrorCode::InvalidTagParameterException,
            Invalid::TooManyTags(_) => ErrorCode::TagsLimitExceededException,
        };
        Self::new(code, invalid.to_string())
    }
}

fn described(trail: &Trail) -> wire::Trail {
    let settings = &trail.settings;
    wire::Trail {
        name: Some(settings.name.clone()),
        s3_bucket_name: Some(settings.s3_bucket_name.clone()),
        s3_key_prefix: settings.s3_key_prefix.clone(),
        include_global_service_events: Some(settings.include_global_service_events),
        is_multi_region_trail: Some(settings.is_multi_region_trail),
        home_region: Some(settings.home_region.to_string()),
        trail_arn: Some(trail.arn.clone()),
        log_file_validation_enabled: Some(settings.log_file_validation),
        has_custom_event_selectors: Some(trail.selectors.has_custom()),
        has_insight_selectors: Some(false),
        is_organization_trail: Some(false),
        recursive_logging: Some(settings.recursive_logging),
        ..Default::default()
    }
}

fn created(trail: &Trail) -> wire::CreateTrailResponse {
    let settings = &trail.settings;
    wire::CreateTrailResponse {
        name: Some(settings.name.clone()),
        s3_bucket_name: Some(settings.s3_bucket_name.clone()),
        s3_key_prefix: settings.s3_key_prefix.clone(),
        include_global_service_events: Some(settings.include_global_service_events),
        is_multi_region_trail: Some(settings.is_multi_region_trail),
        trail_arn: Some(trail.arn.clone()),
        log_file_validation_enabled: Some(settings.log_file_validation),
        is_organization_trail: Some(false),
        recursive_logging: Some(settings.recursive_logging),
        ..Default::default()
    }
}

/// UpdateTrail answers what CreateTrail does.
fn updated(trail: &Trail) -> wire::UpdateTrailResponse {
    let created = created(trail);
    wire::UpdateTrailResponse {
        name: created.name,
        s3_bucket_name: created.s3_bucket_name,
        s3_key_prefix: created.s3_key_prefix,
        include_global_service_events: created.include_global_service_events,
        is_multi_region_trail: created.is_multi_region_trail,
        trail_arn: created.trail_arn,
        log_file_validation_enabled: created.log_file_validation_enabled,
        is_organization_trail: created.is_organization_trail,
        recursive_logging: created.recursive_logging,
        ..Default::default()
    }
}
