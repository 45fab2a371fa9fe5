//! Event selectors: which events a trail takes.

use api::ErrorCode;
use api::cloudtrail as wire;
use catalog::trails;
use cloudtrail::selectors::{AdvancedEventSelector, EventSelector, Selectors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Effect;
use super::trails::{at_home, find, still};
use super::{Call, Failure};

/// PutEventSelectors: one kind or the other; what is put replaces what was there.
pub async fn put(call: &mut Call<'_>, input: wire::PutEventSelectorsRequest) -> Result<wire::PutEventSelectorsResponse, Failure> {
    let invalid = |message: String| Failure::new(ErrorCode::InvalidEventSelectorsException, message);
    let trail = at_home(call, &input.trail_name).await?;
    let selectors = match (&input.event_selectors, &input.advanced_event_selectors) {
        (Some(basic), None) => Selectors::basic(translate::<_, Vec<EventSelector>>(basic)?),
        (None, Some(advanced)) => Selectors::advanced(translate::<_, Vec<AdvancedEventSelector>>(advanced)?),
        (None, None) => return Err(invalid("You must specify either EventSelectors or AdvancedEventSelectors.".to_owned())),
        (Some(_), Some(_)) => {
            return Err(invalid("You can specify either EventSelectors or AdvancedEventSelectors, but not both.".to_owned()));
        }
    }
    .map_err(|error| invalid(error.to_string()))?;
    let (event_selectors, advanced_event_selectors) = as_wire(&selectors)?;
    let now_us = call.now_us;
    let there = trails::set_selectors(call.tx().await?, &trail.arn, &selectors, now_us).await?;
    still(there, &input.trail_name, call)?;
    call.after_commit(Effect::TrailChanged(trail.arn.clone()));
    Ok(wire::PutEventSelectorsResponse { trail_arn: Some(trail.arn), event_selectors, advanced_event_selectors })
}

/// GetEventSelectors.
pub async fn get(call: &mut Call<'_>, input: wire::GetEventSelectorsRequest) -> Result<wire::GetEventSelectorsResponse, Failure> {
    let trail = find(call, &input.trail_name).await?;
    let (event_selectors, advanced_event_selectors) = as_wire(&trail.selectors.in_get_order())?;
    Ok(wire::GetEventSelectorsResponse { trail_arn: Some(trail.arn), event_selectors, advanced_event_selectors })
}

type Wire = (Option<Vec<wire::EventSelector>>, Option<Vec<wire::AdvancedEventSelector>>);

fn as_wire(selectors: &Selectors) -> Result<Wire, Failure> {
    Ok(match selectors {
        Selectors::Basic(basic) => (Some(translate(basic)?), None),
        Selectors::Advanced(advanced) => (None, Some(translate(advanced)?)),
    })
}

/// The domain and the wire spell selectors alike; each has its own types.
pub(super) fn translate<A: Serialize, B: DeserializeOwned>(value: &A) -> Result<B, Failure> {
    serde_json::to_value(value).and_then(serde_json::from_value).map_err(Failure::internal)
}
