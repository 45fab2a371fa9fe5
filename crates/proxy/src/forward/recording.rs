//! What carrying calls needs of [`audit`](crate::audit), so that it can be tried without.

use http::{HeaderMap, StatusCode, request};
use protocols::call::{Body, Wanted};
use protocols::table::Protocol;

use crate::audit::{Admitted, Audit, Begun, Client, Outcome, Refusal};

/// Decides and records, as [`Audit`] does.
pub(crate) trait Recording: Clone + Send + Sync + 'static {
    /// A request whose head was looked at.
    type Begun: Send + 'static;
    /// A call that may go on.
    type Admitted: Send + Unpin + 'static;

    fn begin(&self, client: &Client, head: &request::Parts) -> Self::Begun;
    fn wanted(begun: &Self::Begun) -> Wanted;
    fn form(begun: &Self::Begun) -> (Option<Protocol>, &str);
    /// Whether the call may have a record; one that has none is admitted without being asked about.
    fn may_record(begun: &Self::Begun) -> bool;
    fn admit(begun: Self::Begun, body: Body) -> impl Future<Output = Result<Self::Admitted, Refusal>> + Send + 'static;
    fn answer_waits(admitted: &Self::Admitted) -> bool;
    fn answer_wanted(admitted: &Self::Admitted, status: StatusCode, headers: &HeaderMap) -> Wanted;
    fn end(admitted: Self::Admitted, outcome: Outcome) -> impl Future<Output = Result<(), Refusal>> + Send + 'static;
}

impl Recording for Audit {
    type Begun = Begun;
    type Admitted = Admitted;

    fn begin(&self, client: &Client, head: &request::Parts) -> Begun {
        Self::begin(self, client, head)
    }

    fn wanted(begun: &Begun) -> Wanted {
        begun.wanted()
    }

    fn form(begun: &Begun) -> (Option<Protocol>, &str) {
        begun.form()
    }

    fn may_record(begun: &Begun) -> bool {
        begun.may_record()
    }

    fn admit(begun: Begun, body: Body) -> impl Future<Output = Result<Admitted, Refusal>> + Send + 'static {
        begun.admit(body)
    }

    fn answer_waits(admitted: &Admitted) -> bool {
        admitted.answer_waits()
    }

    fn answer_wanted(admitted: &Admitted, status: StatusCode, headers: &HeaderMap) -> Wanted {
        admitted.wanted(status, headers)
    }

    fn end(admitted: Admitted, outcome: Outcome) -> impl Future<Output = Result<(), Refusal>> + Send + 'static {
        admitted.end(outcome)
    }
}
