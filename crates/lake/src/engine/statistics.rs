//! What a plan at work says of itself.

use datafusion::physical_plan::ExecutionPlan;

/// The rows that fitted the conditions, before they were grouped, joined or sorted: what comes out of the filter over
/// each scan, or out of the scan where it filters itself.
pub(super) fn matched(plan: &dyn ExecutionPlan) -> u64 {
    let children = plan.children();
    let own = || plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or_default() as u64;
    match children.as_slice() {
        [] => own(),
        [one] if plan.name() == "FilterExec" && is_scan(one.as_ref()) => own(),
        several => several.iter().map(|child| matched(child.as_ref())).sum(),
    }
}

/// Whether a plan only reads and passes on.
fn is_scan(plan: &dyn ExecutionPlan) -> bool {
    const PASSING: &[&str] = &[
        "CoalesceBatchesExec",
        "CoalescePartitionsExec",
        "CooperativeExec",
        "FilterExec",
        "ProjectionExec",
        "RepartitionExec",
        "UnionExec",
    ];
    let children = plan.children();
    children.is_empty() || (PASSING.contains(&plan.name()) && children.iter().all(|child| is_scan(child.as_ref())))
}
