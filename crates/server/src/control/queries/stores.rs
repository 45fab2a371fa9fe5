//! Which event data stores a caller may name, and what is wrong with a statement over them.

use std::collections::BTreeMap;

use api::ErrorCode;
use catalog::event_data_stores::{self, Store};
use cloudtrail::account::AccountId;
use cloudtrail::event_data_store::IdOrArn;
use lake::sql::{self, Compiled, ErrorKind, Names, OCSF_PREFIX};

use crate::control::resource_policies::{denied, may_query};
use crate::control::{Call, Failure};
use crate::queries::names;

/// The event data stores that a statement may name.
pub(in crate::control) struct Scope {
    stores: BTreeMap<String, Store>,
    names: Names,
}

impl Scope {
    /// Only one store: what a statement is made for.
    pub(in crate::control) fn of(call: &Call<'_>, store: Store) -> Self {
        Self::new(call, [(store.id.clone(), store)].into())
    }

    fn new(call: &Call<'_>, stores: BTreeMap<String, Store>) -> Self {
        let known: Vec<Store> = stores.values().cloned().collect();
        Self { names: names(&known, call.account(), call.service.config.strict_aws), stores }
    }

    /// The stores that a statement reads: at least one, all of one account, and all active.
    pub(super) fn stores_of(&self, compiled: &Compiled) -> Result<Vec<&Store>, Failure> {
        let mut stores: Vec<&Store> = compiled.tables.iter().filter_map(|table| self.store(table)).collect();
        stores.dedup_by(|a, b| a.id == b.id);
        let Some(first) = stores.first() else {
            return Err(invalid_statement("the statement reads no event data store"));
        };
        if stores.iter().any(|store| store.settings.account != first.settings.account) {
            return Err(invalid_statement("the statement reads event data stores of several accounts"));
        }
        match stores.iter().find(|store| !store.status.is_active()) {
            Some(store) => Err(inactive(&store.arn)),
            None => Ok(stores),
        }
    }

    fn store(&self, table: &str) -> Option<&Store> {
        self.stores.get(table.strip_prefix(OCSF_PREFIX).unwrap_or(table))
    }
}

/// The stores of the Region that is called which the caller may query: its own, and those of others that let it. With an
/// owner only that account's.
pub(super) async fn scope(call: &Call<'_>, owner: Option<AccountId>) -> Result<Scope, Failure> {
    let mut stores = BTreeMap::new();
    for store in event_data_stores::all(call.catalog()).await? {
        let of_owner = owner.is_none_or(|owner| owner == store.settings.account);
        if of_owner && store.settings.home_region == call.region && may_query(call, &action(call), &store).await? {
            stores.insert(store.id.clone(), store);
        }
    }
    Ok(Scope::new(call, stores))
}

/// Compiles a statement and plans it, so that whatever is wrong with it is said at once.
pub(in crate::control) async fn compile(call: &Call<'_>, statement: &str, scope: &Scope) -> Result<Compiled, Failure> {
    let (text, names, now_us) = (statement.to_owned(), scope.names.clone(), call.now_us);
    let compiling = tokio::task::spawn_blocking(move || sql::compile(&text, &names, now_us));
    let compiled = compiling.await.map_err(Failure::internal)?.map_err(|error| refused(&error))?;
    let planned = call.service.queries.check(&compiled).await.map_err(Failure::internal)?;
    planned.map_err(|error| refused(&error))?;
    Ok(compiled)
}

/// The answer to a statement that cannot run.
pub(super) fn refused(error: &sql::Error) -> Failure {
    match &error.kind {
        ErrorKind::UnknownTable(_) => Failure::new(ErrorCode::EventDataStoreNotFoundException, error.to_string()),
        ErrorKind::Invalid => invalid_statement(error),
    }
}

fn invalid_statement(reason: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::InvalidQueryStatementException, format!("The query statement is not valid: {reason}"))
}

/// The store that an argument names, which must be here, active, and let the caller.
pub(in crate::control) async fn usable(call: &Call<'_>, text: &str) -> Result<Store, Failure> {
    named(call, text, None).await
}

/// [`usable`]; with an owner it must be that account's.
pub(super) async fn named(call: &Call<'_>, text: &str, owner: Option<AccountId>) -> Result<Store, Failure> {
    let name =
        IdOrArn::parse(text).map_err(|error| Failure::new(ErrorCode::EventDataStoreARNInvalidException, error.to_string()))?;
    let store = event_data_stores::get(call.catalog(), name.id()).await?;
    let is_meant = |store: &Store| match &name {
        IdOrArn::Arn(arn) => store.arn == arn.to_string(),
        IdOrArn::Id(_) => true,
    };
    let here =
        |store: &Store| store.settings.home_region == call.region && owner.is_none_or(|owner| owner == store.settings.account);
    let unknown =
        || Failure::new(ErrorCode::EventDataStoreNotFoundException, format!("The event data store {text} does not exist."));
    let store = store.filter(|store| is_meant(store) && here(store)).ok_or_else(unknown)?;
    match admitted(call, &store).await {
        Ok(()) => Ok(store),
        // Others learn nothing of a store that does not let them.
        Err(_) if store.settings.account != call.account() && !may_query(call, &action(call), &store).await? => Err(unknown()),
        Err(failure) => Err(failure),
    }
}

/// Whether a store is active and lets the caller do what is called.
pub(super) async fn admitted(call: &Call<'_>, store: &Store) -> Result<(), Failure> {
    let action = action(call);
    if !may_query(call, &action, store).await? {
        return Err(denied(call, &action, &store.arn));
    }
    if store.status.is_active() { Ok(()) } else { Err(inactive(&store.arn)) }
}

pub(super) fn inactive(store: &str) -> Failure {
    Failure::new(ErrorCode::InactiveEventDataStoreException, format!("The event data store {store} is inactive."))
}

fn action(call: &Call<'_>) -> String {
    format!("cloudtrail:{}", call.operation.name())
}

/// An EventDataStoreOwnerAccountId.
pub(super) fn owner_argument(text: Option<&str>) -> Result<Option<AccountId>, Failure> {
    let parse = |text: &str| {
        let message = format!("EventDataStoreOwnerAccountId {text} is not an account ID.");
        text.parse().map_err(|_| Failure::new(ErrorCode::InvalidParameterException, message))
    };
    text.map(parse).transpose()
}
