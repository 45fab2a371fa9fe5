//! One call of the API on its way through the control plane.

use api::{ErrorCode, Operation};
use catalog::{Catalog, Tx};
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;

use crate::principals::Principal;
use crate::service::Service;

/// Why a call fails: what the client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The AWS error code.
    pub code: ErrorCode,
    /// The message.
    pub message: String,
}

impl Failure {
    /// A failure with that code and message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A fault of ours: the log has the reason, the client learns no more than that it happened.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "a call failed by a fault of ours");
        metrics::counter!("trailkeep_internal_failures_total").increment(1);
        Self::new(
            ErrorCode::InternalFailure,
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Self {
        Self::internal(error)
    }
}

/// What is to happen once the change and its record are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The trail's settings, selectors or logging changed.
    TrailChanged(String),
    /// The trail stops with the record of this very call: `StopLogging` and `DeleteTrail`.
    TrailStops(String),
    /// Federation of an event data store was asked for, or asked to end.
    FederationChanged,
    /// The query of that id was started.
    QueryStarted(String),
    /// The query of that id was cancelled.
    QueryCancelled(String),
    /// The event data store of that number was made, changed, stopped, deleted or restored.
    StoreChanged(u16),
    /// An import was asked for, or stopped.
    ImportsChanged,
}

/// A call: who calls what where, and the change it makes.
pub struct Call<'a> {
    /// Every part of the program.
    pub service: &'a Service,
    /// Who calls.
    pub principal: &'a Principal,
    /// The Region that is called.
    pub region: Region,
    /// What is called.
    pub operation: Operation,
    /// When the call came in.
    pub now_us: i64,
    tx: Option<Tx>,
    effects: Vec<Effect>,
}

impl<'a> Call<'a> {
    /// A call that has changed nothing yet.
    pub fn new(service: &'a Service, principal: &'a Principal, region: Region, operation: Operation, now_us: i64) -> Self {
        Self { service, principal, region, operation, now_us, tx: None, effects: Vec::new() }
    }

    /// The account that calls.
    pub fn account(&self) -> AccountId {
        self.principal.account
    }

    /// When the call came in, in seconds.
    pub fn now_s(&self) -> i64 {
        self.now_us.div_euclid(1_000_000)
    }

    /// The catalog, for reading outside the call's transaction.
    pub fn catalog(&self) -> &'a Catalog {
        &self.service.catalog
    }

    /// The call's transaction; begun at the first use. It commits together with the record of the call.
    ///
    /// Nothing that waits for the network, and nothing that makes a transaction of its own, may run while it is open.
    pub async fn tx(&mut self) -> Result<&mut Tx, Failure> {
        if self.tx.is_none() {
            self.tx = Some(self.service.catalog.begin().await?);
        }
        Ok(self.tx.as_mut().expect("it was just begun"))
    }

    /// Asks for `effect` after the commit.
    pub fn after_commit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The open transaction, if there is a change, and what is to happen after its commit.
    pub fn finish(&mut self) -> (Option<Tx>, Vec<Effect>) {
        (self.tx.take(), std::mem::take(&mut self.effects))
    }
}
