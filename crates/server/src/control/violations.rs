//! Which error code a value gets that fails a constraint of the service model.

use api::{ErrorCode, InputError, Operation, Violations};

use super::Failure;

/// The failure for an input that its operation does not take.
pub fn failure(operation: Operation, error: InputError) -> Failure {
    match error {
        InputError::Serialization(message) => Failure::new(ErrorCode::SerializationException, message),
        InputError::Violations(violations) => Failure::new(code(operation, &violations), violations.to_string()),
    }
}

/// The code of the first violation: the one the operation models for that member, else the one for parameters in
/// general.
fn code(operation: Operation, violations: &Violations) -> ErrorCode {
    let modelled = operation.errors();
    let specific = match violations.first().member() {
        "maxResults" | "maxQueryResults" => ErrorCode::InvalidMaxResultsException,
        "nextToken" => ErrorCode::InvalidNextTokenException,
        "lookupAttributes" => ErrorCode::InvalidLookupAttributesException,
        "eventCategory" => ErrorCode::InvalidEventCategoryException,
        "tags" | "tagsList" => ErrorCode::InvalidTagParameterException,
        "eventSelectors" | "advancedEventSelectors" => ErrorCode::InvalidEventSelectorsException,
        "name" | "trailName" => ErrorCode::InvalidTrailNameException,
        "queryStatement" => ErrorCode::InvalidQueryStatementException,
        "queryStatus" => ErrorCode::InvalidQueryStatusException,
        "channel" => ErrorCode::ChannelARNInvalidException,
        "channelArn" => ErrorCode::InvalidChannelARN,
        "source" => ErrorCode::InvalidSourceException,
        "resourceArn" => ErrorCode::ResourceARNNotValidException,
        "resourcePolicy" => ErrorCode::ResourcePolicyNotValidException,
        _ => ErrorCode::InvalidParameterException,
    };
    [specific, ErrorCode::InvalidParameterException]
        .into_iter()
        .find(|code| modelled.contains(code))
        .unwrap_or(ErrorCode::ValidationException)
}
