//! CloudTrail events as OCSF 1.1.0 events of the class API Activity (6003).
//!
//! The mapping is a view over a store's table, so that SQL and exports see the same and filters reach the store's files;
//! it is written here once. OCSF has no place for everything: what is left stands in `unmapped`, by its path in the
//! record.

mod activity;
mod functions;
mod json;
mod unmapped;

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::functions::core::expr_fn::{coalesce, get_field, named_struct};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, lit, when};

use crate::schema;

pub use json::Lines;

/// OCSF's number of the class.
const CLASS_UID: i32 = 6003;
/// The version of OCSF.
const VERSION: &str = "1.1.0";

/// Whether the events of a family are API activity.
pub fn is_available(family: Family) -> bool {
    family == Family::Events
}

/// The table of a store of CloudTrail events as API Activity.
pub fn provider(store: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let plan = LogicalPlanBuilder::scan("events", provider_as_source(store), None)?.project(columns())?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// The columns of API Activity. Made once: planning them takes longer than compiling a statement.
pub fn schema() -> Option<SchemaRef> {
    static SCHEMA: LazyLock<Option<SchemaRef>> = LazyLock::new(|| {
        let events = Arc::new(EmptyTable::new(schema::arrow_schema(Family::Events)));
        Some(provider(events).ok()?.schema())
    });
    SCHEMA.clone()
}

/// Name by name what API Activity has, in the order of OCSF's own lists.
fn columns() -> Vec<Expr> {
    let activity_id = || functions::activity_id().call(vec![text("eventname")]);
    let failed = || text("errorcode").is_not_null();
    let time_ms = cast(cast(text(schema::EVENT_TIME), DataType::Timestamp(TimeUnit::Millisecond, None)), DataType::Int64);
    vec![
        activity_id().alias("activity_id"),
        functions::activity_name().call(vec![text("eventname")]).alias("activity_name"),
        lit(6).alias("category_uid"),
        lit("Application Activity").alias("category_name"),
        lit(CLASS_UID).alias("class_uid"),
        lit("API Activity").alias("class_name"),
        (lit(i64::from(CLASS_UID) * 100) + cast(activity_id(), DataType::Int64)).alias("type_uid"),
        functions::type_name().call(vec![text("eventname")]).alias("type_name"),
        lit(1).alias("severity_id"),
        lit("Informational").alias("severity"),
        either(failed(), lit(2), lit(1)).alias("status_id"),
        either(failed(), lit("Failure"), lit("Success")).alias("status"),
        time_ms.alias("time"),
        text(schema::EVENT_TIME).alias("time_dt"),
        metadata().alias("metadata"),
        api().alias("api"),
        actor().alias("actor"),
        source().alias("src_endpoint"),
        object([("user_agent", text("useragent"))]).alias("http_request"),
        object([("provider", lit("AWS")), ("region", text("awsregion"))]).alias("cloud"),
        functions::resources().call(vec![text("resources")]).alias("resources"),
        functions::observables()
            .call(vec![text("sourceipaddress"), user_name(), text("useridentity.arn"), text("resources")])
            .alias("observables"),
        functions::unmapped().call(vec![text(schema::EVENT_JSON)]).alias(json::UNMAPPED),
    ]
}

fn metadata() -> Expr {
    let profiles = ScalarValue::new_list_nullable(&["cloud", "datetime"].map(ScalarValue::from), &DataType::Utf8);
    object([
        ("uid", text("eventid")),
        ("event_code", text("eventtype")),
        ("version", lit(VERSION)),
        ("profiles", lit(ScalarValue::List(profiles))),
        (
            "product",
            object([
                ("name", lit("CloudTrail")),
                ("vendor_name", lit("AWS")),
                ("version", text("eventversion")),
                ("feature", object([("name", text("eventcategory"))])),
            ]),
        ),
    ])
}

fn api() -> Expr {
    object([
        ("operation", text("eventname")),
        ("version", text("apiversion")),
        ("service", object([("name", text("eventsource"))])),
        ("request", object([("uid", text("requestid")), ("data", text("requestparameters"))])),
        (
            "response",
            object([("error", text("errorcode")), ("message", text("errormessage")), ("data", text("responseelements"))]),
        ),
    ])
}

fn actor() -> Expr {
    let signed_in_with_mfa = text("additionaleventdata.MFAUsed").eq(lit("Yes"));
    let session_with_mfa = text("useridentity.sessioncontext.attributes.mfaauthenticated").eq(lit("true"));
    object([
        (
            "user",
            object([
                ("type", text("useridentity.type")),
                ("uid", text("useridentity.arn")),
                ("uid_alt", coalesce(vec![text("useridentity.principalid"), identity(&["onbehalfof", "userid"])])),
                ("name", user_name()),
                ("account", object([("uid", text("useridentity.accountid"))])),
                ("credential_uid", text("useridentity.accesskeyid")),
            ]),
        ),
        (
            "session",
            object([
                ("created_time_dt", identity(&["sessioncontext", "attributes", "creationdate"])),
                ("is_mfa", coalesce(vec![session_with_mfa, signed_in_with_mfa])),
                ("issuer", text("useridentity.sessioncontext.sessionissuer.arn")),
            ]),
        ),
        ("invoked_by", text("useridentity.invokedby")),
        (
            "idp",
            object([
                (
                    "name",
                    coalesce(vec![
                        identity(&["sessioncontext", "webidfederationdata", "federatedprovider"]),
                        identity(&["identityprovider"]),
                    ]),
                ),
                ("uid", identity(&["onbehalfof", "identitystorearn"])),
            ]),
        ),
    ])
}

/// An address, or the name of the service that called; the field holds both.
fn source() -> Expr {
    object([
        ("ip", functions::ip().call(vec![text("sourceipaddress")])),
        ("domain", functions::domain().call(vec![text("sourceipaddress")])),
        ("uid", text("vpcendpointid")),
    ])
}

/// Those who sign in have no name but the one they typed.
fn user_name() -> Expr {
    functions::user_name().call(vec![text("useridentity.username"), text("additionaleventdata")])
}

/// A column by its name, or the flat copy of what stands at a path.
fn text(path: &str) -> Expr {
    let shadow = schema::shadow(Family::Events, path);
    Expr::Column(Column::new_unqualified(shadow.map_or(path, |column| column.name)))
}

/// A member of userIdentity that has no flat copy.
fn identity(path: &[&str]) -> Expr {
    path.iter().fold(text("useridentity"), |outer, name| get_field(outer, *name))
}

fn object<const N: usize>(members: [(&str, Expr); N]) -> Expr {
    named_struct(members.into_iter().flat_map(|(name, value)| [lit(name), value]).collect())
}

fn either(condition: Expr, yes: Expr, no: Expr) -> Expr {
    when(condition, yes).otherwise(no).expect("both sides are of one type")
}

#[cfg(test)]
mod tests;
