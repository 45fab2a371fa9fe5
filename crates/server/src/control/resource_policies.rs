//! Policies of channels and event data stores: what other accounts may do with them.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::event_data_stores::{self, Store};
use catalog::{channels, resource_policies};
use cloudtrail::arn::Arn;
use cloudtrail::channel;
use cloudtrail::event::time_text;
use cloudtrail::event_data_store::IdOrArn;
use cloudtrail::policy::{Context, Principal};
use cloudtrail::resource_policy::{self, ChannelPolicy, Invalid, StorePolicy};

use super::channels::{is_here, refuse_service_linked};
use super::{Call, Failure};

/// PutResourcePolicy: in the place of the one there is.
pub async fn put(call: &mut Call<'_>, input: wire::PutResourcePolicyRequest) -> Result<wire::PutResourcePolicyResponse, Failure> {
    let resource = Resource::parse(&input.resource_arn)?;
    resource.find_to_change(call).await?;
    resource.check(&input.resource_policy)?;
    let now_us = call.now_us;
    resource_policies::put(call.tx().await?, resource.arn(), &input.resource_policy, now_us).await?;
    Ok(wire::PutResourcePolicyResponse {
        resource_arn: Some(input.resource_arn),
        resource_policy: Some(input.resource_policy),
        ..Default::default()
    })
}

/// GetResourcePolicy: the text as it was given.
pub async fn get(call: &mut Call<'_>, input: wire::GetResourcePolicyRequest) -> Result<wire::GetResourcePolicyResponse, Failure> {
    let resource = Resource::parse(&input.resource_arn)?;
    resource.find(call).await?;
    let policy = resource_policies::get(call.catalog(), resource.arn()).await?.ok_or_else(|| none_attached(resource.arn()))?;
    Ok(wire::GetResourcePolicyResponse {
        resource_arn: Some(input.resource_arn),
        resource_policy: Some(policy),
        ..Default::default()
    })
}

/// DeleteResourcePolicy.
pub async fn delete(
    call: &mut Call<'_>,
    input: wire::DeleteResourcePolicyRequest,
) -> Result<wire::DeleteResourcePolicyResponse, Failure> {
    let resource = Resource::parse(&input.resource_arn)?;
    resource.find_to_change(call).await?;
    if !resource_policies::remove(call.tx().await?, resource.arn()).await? {
        return Err(none_attached(resource.arn()));
    }
    Ok(wire::DeleteResourcePolicyResponse::default())
}

/// Whether the caller may do `action`, one of [`resource_policy::STORE_ACTIONS`], with a store: its owner may unless the
/// store's policy denies it, the roots of other accounts if it allows it.
pub async fn may_query(call: &Call<'_>, action: &str, store: &Store) -> Result<bool, Failure> {
    let text = resource_policies::get(call.catalog(), &store.arn).await?;
    let policy = text.map(|text| StorePolicy::parse(&store.arn, &text)).transpose().map_err(Failure::internal)?;
    let caller = Principal::Root(call.account());
    Ok(resource_policy::may_query(policy.as_ref(), store.settings.account, &caller, action, &context(call)))
}

/// The answer to who may not.
pub fn denied(call: &Call<'_>, action: &str, resource: &str) -> Failure {
    Failure::new(
        ErrorCode::AccessDeniedException,
        format!("User: {} is not authorized to perform: {action} on resource: {resource}", call.principal.arn()),
    )
}

/// What conditions can ask about a call.
fn context(call: &Call<'_>) -> Context {
    let mut context = Context::default();
    context.add("aws:PrincipalArn", call.principal.arn());
    context.add("aws:PrincipalAccount", call.account().as_str());
    context.add("aws:PrincipalType", "Account");
    context.add("aws:RequestedRegion", call.region.as_str());
    context.add("aws:CurrentTime", time_text(call.now_s()));
    context.add("aws:EpochTime", call.now_s().to_string());
    context
}

/// What a policy can be attached to.
enum Resource {
    Channel(String),
    EventDataStore { arn: String, id: String },
}

impl Resource {
    fn parse(text: &str) -> Result<Self, Failure> {
        let invalid = || Failure::new(ErrorCode::ResourceARNNotValidException, format!("The resource ARN {text} is not valid."));
        let arn: Arn = text.parse().map_err(|_| invalid())?;
        if arn.service != "cloudtrail" {
            return Err(invalid());
        }
        match arn.resource.split_once('/') {
            Some(("channel", _)) => channel::parse_arn(text).map(|_| Self::Channel(text.to_owned())).map_err(|_| invalid()),
            Some(("eventdatastore", _)) => {
                let store = IdOrArn::parse(text).map_err(|_| invalid())?;
                Ok(Self::EventDataStore { arn: text.to_owned(), id: store.id().to_owned() })
            }
            Some(_) => Err(Failure::new(
                ErrorCode::ResourceTypeNotSupportedException,
                format!("{text} is neither an event data store nor a channel."),
            )),
            None => Err(invalid()),
        }
    }

    fn arn(&self) -> &str {
        match self {
            Self::Channel(arn) | Self::EventDataStore { arn, .. } => arn,
        }
    }

    fn check(&self, policy: &str) -> Result<(), Failure> {
        match self {
            Self::Channel(arn) => ChannelPolicy::parse(arn, policy).map(drop)?,
            Self::EventDataStore { arn, .. } => StorePolicy::parse(arn, policy).map(drop)?,
        }
        Ok(())
    }

    /// It has to be the caller's, and here.
    async fn find(&self, call: &Call<'_>) -> Result<(), Failure> {
        let found = match self {
            Self::Channel(arn) => channels::get(call.catalog(), arn).await?.is_some_and(|channel| is_here(&channel, call)),
            Self::EventDataStore { arn, id } => {
                event_data_stores::get(call.catalog(), id).await?.is_some_and(|store| is_store(&store, arn, call))
            }
        };
        if found { Ok(()) } else { Err(unknown(self.arn())) }
    }

    /// The same in the call's transaction; what is on its way out gets no policy any more.
    async fn find_to_change(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        match self {
            Self::Channel(arn) => {
                let channel = channels::get_in(call.tx().await?, arn).await?;
                let channel = channel.filter(|channel| is_here(channel, call)).ok_or_else(|| unknown(arn))?;
                refuse_service_linked(&channel)
            }
            Self::EventDataStore { arn, id } => {
                let store = event_data_stores::get_in(call.tx().await?, id).await?;
                let store = store.filter(|store| is_store(store, arn, call)).ok_or_else(|| unknown(arn))?;
                if store.status.is_active() {
                    return Ok(());
                }
                Err(Failure::new(ErrorCode::ConflictException, format!("Resource {arn} is {}.", store.status.as_str())))
            }
        }
    }
}

fn is_store(store: &Store, arn: &str, call: &Call<'_>) -> bool {
    store.arn == arn && store.settings.account == call.account() && store.settings.home_region == call.region
}

fn unknown(arn: &str) -> Failure {
    Failure::new(ErrorCode::ResourceNotFoundException, format!("Resource {arn} does not exist."))
}

fn none_attached(arn: &str) -> Failure {
    Failure::new(ErrorCode::ResourcePolicyNotFoundException, format!("Resource {arn} has no resource policy."))
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorCode::ResourcePolicyNotValidException, invalid.message)
    }
}
