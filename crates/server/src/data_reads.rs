//! The record of reading a store's events other than by queries: whoever can do that is to be seen (CloudTrail user
//! guide, "Federate an event data store", on GetEventDataStoreData).

use catalog::event_data_stores::Store;
use cloudtrail::record::{ApiCall, Resource, ResourceArn};
use cloudtrail::region::Region;
use pipeline::capture::recorder::RecordError;
use serde_json::{Value, json};

use crate::own_calls::Caller;
use crate::service::Service;

/// Records that `caller` reads the events of `store`, with further parameters.
pub async fn record(
    service: &Service,
    caller: &Caller,
    region: &Region,
    store: &Store,
    parameters: Value,
) -> Result<(), RecordError> {
    let mut all = json!({ "eventDataStore": store.arn });
    if let (Some(all), Value::Object(parameters)) = (all.as_object_mut(), parameters) {
        all.extend(parameters);
    }
    let resource = Resource {
        account: Some(store.settings.account),
        type_: Some("AWS::CloudTrail::EventDataStore".to_owned()),
        arn: ResourceArn::Whole(store.arn.clone()),
    };
    let call = ApiCall {
        event_source: "cloudtrail.amazonaws.com".to_owned(),
        event_name: "GetEventDataStoreData".to_owned(),
        region: region.clone(),
        request_parameters: serde_json::value::to_raw_value(&all).ok(),
        resources: vec![resource],
        ..service.own_calls.blank(caller)
    };
    let record = service.own_calls.render_call(caller, call);
    service.own_calls.keep(caller.account, record, service.config.strict).await
}
