//! What the API has and Trailkeep does not yet: the one visible list.
//!
//! Everything here answers UnsupportedOperationException and names itself. README points here;
//! `conformance/test_operations.py` holds the list against what the program answers.

use api::{ErrorCode, Operation};

use super::Failure;

/// Operations without behaviour yet.
pub const OPERATIONS: &[Operation] = &[
    Operation::CreateDashboard,
    Operation::DeleteDashboard,
    Operation::DeregisterOrganizationDelegatedAdmin,
    Operation::GetDashboard,
    Operation::GetInsightSelectors,
    Operation::ListDashboards,
    Operation::ListInsightsData,
    Operation::ListInsightsMetricData,
    Operation::PutInsightSelectors,
    Operation::RegisterOrganizationDelegatedAdmin,
    Operation::StartDashboardRefresh,
    Operation::UpdateDashboard,
];

/// Arguments without behaviour yet, of operations that have it. An empty value or `false` asks for nothing and is
/// accepted: Terraform sends such values to say "none".
pub const ARGUMENTS: &[(Operation, &str)] = &[
    (Operation::CreateEventDataStore, "KmsKeyId"),
    (Operation::CreateEventDataStore, "OrganizationEnabled"),
    (Operation::CreateTrail, "SnsTopicName"),
    (Operation::CreateTrail, "CloudWatchLogsLogGroupArn"),
    (Operation::CreateTrail, "CloudWatchLogsRoleArn"),
    (Operation::CreateTrail, "KmsKeyId"),
    (Operation::CreateTrail, "IsOrganizationTrail"),
    (Operation::PutEventConfiguration, "AggregationConfigurations"),
    (Operation::UpdateEventDataStore, "KmsKeyId"),
    (Operation::UpdateEventDataStore, "OrganizationEnabled"),
    (Operation::UpdateTrail, "SnsTopicName"),
    (Operation::UpdateTrail, "CloudWatchLogsLogGroupArn"),
    (Operation::UpdateTrail, "CloudWatchLogsRoleArn"),
    (Operation::UpdateTrail, "KmsKeyId"),
    (Operation::UpdateTrail, "IsOrganizationTrail"),
];

/// Refuses an operation of [`OPERATIONS`], whatever its input: what is wrong with that does not matter yet.
pub fn refuse_operation(operation: Operation) -> Result<(), Failure> {
    if OPERATIONS.contains(&operation) { Err(self::operation(operation)) } else { Ok(()) }
}

/// The answer to an operation of [`OPERATIONS`].
pub fn operation(operation: Operation) -> Failure {
    Failure::new(
        ErrorCode::UnsupportedOperationException,
        format!("{} is not supported by this version of Trailkeep.", operation.name()),
    )
}

/// The answer to an argument of [`ARGUMENTS`].
pub fn argument(operation: Operation, name: &str) -> Failure {
    Failure::new(
        ErrorCode::UnsupportedOperationException,
        format!("{name} of {} is not supported by this version of Trailkeep.", operation.name()),
    )
}

/// Refuses the first of `given` that asks for something; each is an argument's name and whether it does.
pub fn refuse(operation: Operation, given: &[(&str, bool)]) -> Result<(), Failure> {
    match given.iter().find(|(_, asks)| *asks) {
        Some((name, _)) => Err(argument(operation, name)),
        None => Ok(()),
    }
}
