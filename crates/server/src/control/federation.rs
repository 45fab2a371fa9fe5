//! Federation: publishing an event data store for other query engines, and taking that back.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::event_data_stores::Store;
use catalog::federation::{self, DISABLED, Federation, Status};
use cloudtrail::arn::Arn;

use super::call::Effect;
use super::{Call, Failure, event_data_stores};

/// EnableFederation. The table is published after the answer.
pub async fn enable(
    call: &mut Call<'_>,
    input: wire::EnableFederationRequest,
) -> Result<wire::EnableFederationResponse, Failure> {
    check_role(&input.federation_role_arn, call)?;
    let store = event_data_stores::active_in(call, &input.event_data_store).await?;
    let account = call.account().to_string();
    let tx = call.tx().await?;
    match federation::find_in(tx, &store.id).await?.map(|there| there.status) {
        None => {}
        Some(Status::Enabled) => {
            let message = format!("Federation is already enabled on the event data store {}.", store.arn);
            return Err(Failure::new(ErrorCode::EventDataStoreFederationEnabledException, message));
        }
        Some(under_way) => return Err(concurrent(&store, under_way)),
    }
    let role_arn = input.federation_role_arn;
    let federation = Federation { store: store.id, account, status: Status::Enabling, role_arn: role_arn.clone() };
    federation::put(tx, &federation).await?;
    call.after_commit(Effect::FederationChanged);
    Ok(wire::EnableFederationResponse {
        event_data_store_arn: Some(store.arn),
        federation_status: Some(Status::Enabling.as_str().into()),
        federation_role_arn: Some(role_arn),
    })
}

/// DisableFederation. What was published is removed after the answer; no event is.
pub async fn disable(
    call: &mut Call<'_>,
    input: wire::DisableFederationRequest,
) -> Result<wire::DisableFederationResponse, Failure> {
    let store = event_data_stores::active_in(call, &input.event_data_store).await?;
    let tx = call.tx().await?;
    match federation::find_in(tx, &store.id).await?.map(|there| there.status) {
        Some(Status::Enabled) => {}
        Some(under_way) => return Err(concurrent(&store, under_way)),
        None => {
            let message = format!("Federation is {DISABLED} on the event data store {}.", store.arn);
            return Err(Failure::new(ErrorCode::InvalidParameterException, message));
        }
    }
    federation::step(tx, &store.id, Status::Enabled, Status::Disabling).await?;
    call.after_commit(Effect::FederationChanged);
    Ok(wire::DisableFederationResponse {
        event_data_store_arn: Some(store.arn),
        federation_status: Some(Status::Disabling.as_str().into()),
    })
}

fn concurrent(store: &Store, under_way: Status) -> Failure {
    let message = format!("Federation of the event data store {} is {}. Try again later.", store.arn, under_way.as_str());
    Failure::new(ErrorCode::ConcurrentModificationException, message)
}

/// The role whom AWS would let read the data. Here readers show a token or keys of the account; a role that could not be
/// one is refused all the same.
fn check_role(role_arn: &str, call: &Call<'_>) -> Result<(), Failure> {
    let arn: Option<Arn> = role_arn.parse().ok();
    let is_role = |arn: &Arn| arn.service == "iam" && arn.region.is_empty() && arn.resource.starts_with("role/");
    let Some(arn) = arn.filter(is_role) else {
        let message = format!("{role_arn} is not the ARN of an IAM role.");
        return Err(Failure::new(ErrorCode::InvalidParameterException, message));
    };
    if arn.account != call.account().as_str() {
        let message = format!("The role {role_arn} is not one of the account {}.", call.account());
        return Err(Failure::new(ErrorCode::AccessDeniedException, message));
    }
    Ok(())
}
