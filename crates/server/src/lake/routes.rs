//! The stores of the catalog as the door and the followers see them.

use std::sync::Arc;

use catalog::event_data_stores::{self, Store, rules};
use catalog::{Catalog, Error};
use cloudtrail::selectors::Selectors;
use pipeline::route::store::{Rule, StoreRoute};

/// All stores, in the order of their numbers.
pub(super) async fn all(catalog: &Catalog) -> Result<Vec<Arc<StoreRoute>>, Error> {
    let mut routes = Vec::new();
    for store in event_data_stores::all(catalog).await? {
        let rules = rules::of_store(catalog, store.number).await?;
        routes.push(Arc::new(route(store, rules)));
    }
    Ok(routes)
}

fn route(store: Store, rules: Vec<rules::Version>) -> StoreRoute {
    let family = store.settings.family();
    let retention_us = store.settings.retention_us();
    StoreRoute {
        number: store.number,
        is_default: store.is_default,
        is_active: store.status.is_active(),
        family,
        retention_us,
        rules: rules.into_iter().filter_map(rule).collect(),
        id: store.id,
        arn: store.arn,
        name: store.settings.name,
        account: store.settings.account,
        home_region: store.settings.home_region,
    }
}

/// A rule without a position does not apply yet.
fn rule(version: rules::Version) -> Option<Rule> {
    let rules::Version { position, rule, .. } = version;
    Some(Rule {
        from: position?,
        ingesting: rule.ingesting,
        multi_region: rule.multi_region,
        event_bytes_max: rule.event_bytes_max,
        matcher: Selectors::Advanced(rule.selectors).compile(),
    })
}
