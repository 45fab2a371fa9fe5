//! What events must have to be shown; the same for `lookup` and `tail`.

use crate::client;

/// Filters; an event must have all that are given.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (all of them must hold)")]
pub(crate) struct Filters {
    /// The call, such as DeleteTrail.
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,
    /// The record's eventID.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// The service, such as iam.amazonaws.com; `iam` will do.
    #[arg(long, value_name = "SERVICE")]
    event_source: Option<String>,
    /// Who called: a user's name, a role's session name, root.
    #[arg(long, visible_alias = "username", value_name = "NAME")]
    user: Option<String>,
    /// The key the call was signed with.
    #[arg(long, visible_alias = "access-key-id", value_name = "ID")]
    access_key: Option<String>,
    /// A resource of the call, by name or ARN as the call gave it. May be given several times.
    #[arg(long, value_name = "NAME")]
    resource_name: Vec<String>,
    /// The type of a resource, such as AWS::S3::Bucket. May be given several times.
    #[arg(long, value_name = "TYPE")]
    resource_type: Vec<String>,
    /// Only calls that read (true), or only those that change something (false).
    #[arg(long, value_name = "BOOL")]
    read_only: Option<bool>,
    /// Every Region; so it is without --region too.
    #[arg(long, conflicts_with = "region")]
    all_regions: bool,
}

impl Filters {
    /// Lookup attributes and their values.
    pub(crate) fn attributes(&self) -> Vec<(&'static str, String)> {
        let source = self.event_source.as_deref().map(full_source);
        let read_only = self.read_only.map(|read_only| read_only.to_string());
        let single = [
            ("EventName", self.event_name.clone()),
            ("EventId", self.event_id.clone()),
            ("EventSource", source),
            ("Username", self.user.clone()),
            ("AccessKeyId", self.access_key.clone()),
            ("ReadOnly", read_only),
        ];
        let names = self.resource_name.iter().map(|name| ("ResourceName", name.clone()));
        let types = self.resource_type.iter().map(|type_| ("ResourceType", type_.clone()));
        single.into_iter().filter_map(|(key, value)| Some((key, value?))).chain(names).chain(types).collect()
    }

    /// The only Region to show: the one that was given by flag. A Region from the environment says where to ask, not
    /// what to show.
    pub(crate) fn region<'a>(&self, client: &'a client::Arguments) -> Option<&'a str> {
        client.region().filter(|_| !self.all_regions)
    }
}

/// `iam` means `iam.amazonaws.com`.
fn full_source(source: &str) -> String {
    if source.contains('.') { source.to_owned() } else { format!("{source}.amazonaws.com") }
}
