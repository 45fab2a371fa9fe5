//! What an operation does, by the verb its name begins with.

/// OCSF's activities of the class API Activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    Create,
    Read,
    Update,
    Delete,
    Other,
}

/// Verbs that tell what an operation does. A verb ends where the next word begins: `Create` is that of `CreateUser`, not
/// of `Created`.
const VERBS: [(Activity, &[&str]); 4] = [
    (
        Activity::Create,
        &[
            "Allocate", "Copy", "Create", "Generate", "Import", "Initiate", "Launch", "Purchase", "Register", "Request", "Run",
            "Upload",
        ],
    ),
    (
        Activity::Read,
        &[
            "Check", "Count", "Decode", "Describe", "Discover", "Download", "Estimate", "Export", "Filter", "Get", "Has", "Head",
            "Is", "List", "Lookup", "Preview", "Query", "Read", "Receive", "Retrieve", "Scan", "Search", "Select", "Simulate",
            "Test", "Validate", "Verify", "View",
        ],
    ),
    (
        Activity::Update,
        &[
            "Add",
            "Apply",
            "Associate",
            "Attach",
            "Authorize",
            "Change",
            "Configure",
            "Detach",
            "Disable",
            "Disassociate",
            "Enable",
            "Modify",
            "Move",
            "Put",
            "Reboot",
            "Reject",
            "Remove",
            "Rename",
            "Replace",
            "Reset",
            "Resize",
            "Restore",
            "Resume",
            "Revoke",
            "Rotate",
            "Set",
            "Start",
            "Stop",
            "Suspend",
            "Tag",
            "Transfer",
            "Unassign",
            "Untag",
            "Update",
            "Upgrade",
        ],
    ),
    (Activity::Delete, &["Abort", "Delete", "Deregister", "Destroy", "Purge", "Release", "Terminate"]),
];

impl Activity {
    /// The activity of an operation.
    pub(super) fn of(operation: &str) -> Self {
        let name = operation.strip_prefix("Batch").filter(|rest| !rest.is_empty()).unwrap_or(operation);
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_lowercase());
        let begins_with = |verb: &&str| name.strip_prefix(*verb).is_some_and(ends);
        let found = VERBS.iter().find(|(_, verbs)| verbs.iter().any(begins_with));
        found.map_or(Self::Other, |(activity, _)| *activity)
    }

    pub(super) fn id(self) -> i32 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 3,
            Self::Delete => 4,
            Self::Other => 99,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Read => "Read",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Other => "Other",
        }
    }
}
