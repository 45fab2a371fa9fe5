//! Larkspur Bikes: its people, programs and things. Addresses are those reserved for documentation (RFC 5737).

/// Its Regions: what it runs is in Frankfurt, what is global is recorded in Virginia.
pub(super) const BUCKETS: [&str; 6] = [
    "larkspur-web-assets",
    "larkspur-customer-exports",
    "larkspur-invoices",
    "larkspur-build-artifacts",
    "larkspur-audit-logs",
    "larkspur-backups",
];
pub(super) const FUNCTIONS: [&str; 5] = ["order-intake", "stock-sync", "mail-sender", "invoice-render", "thumbnailer"];
pub(super) const INSTANCES: [&str; 4] =
    ["i-0a4f2c1be7d093155", "i-0b81e6a9c2f4d7730", "i-03c9d5e1f0a27b648", "i-0fe2718a6b3c4d590"];
pub(super) const TABLES: [&str; 4] = ["orders", "customers", "stock", "sessions"];
pub(super) const KEY: &str = "3f1c8a52-6b0e-4d57-9a84-c2e7f51b9d06";

/// The key that leaked.
pub(super) const LEAKED_KEY: &str = "AKIALARKSPURDEPLOY01";
/// The key the intruder made.
pub(super) const INTRUDERS_KEY: &str = "AKIALARKSPURSUPPORT7";
/// Where the intruder came from.
pub(super) const INTRUDERS_ADDRESS: &str = "203.0.113.66";

const OFFICE: &str = "198.51.100.24";
const CLI: &str =
    "aws-cli/2.31.9 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 cfg/retry-mode#standard";
const CONSOLE: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const SDK: &str = "Boto3/1.40.18 md/Botocore#1.40.18 ua/2.1 os/linux#6.1.147 lang/python#3.12.11 exec-env/AWS_ECS_FARGATE";

/// Who calls, and how.
#[derive(Clone)]
pub(super) enum Who {
    /// A person at the office.
    Person { name: &'static str, id: &'static str, key: &'static str, console: bool },
    /// A user made for a program, wherever its key is used from.
    Robot { name: &'static str, id: &'static str, key: &'static str, address: &'static str, agent: &'static str },
    /// A role in use.
    Role { name: &'static str, id: &'static str, session: String, key: &'static str, address: &'static str, agent: &'static str },
    /// A service of AWS.
    Service(&'static str),
}

pub(super) fn mara(console: bool) -> Who {
    Who::Person { name: "mara", id: "AIDALARKSPURMARA00001", key: "ASIALARKSPURMARA0001", console }
}

pub(super) fn jonas(console: bool) -> Who {
    Who::Person { name: "jonas", id: "AIDALARKSPURJONAS0002", key: "ASIALARKSPURJONAS002", console }
}

pub(super) fn people() -> [Who; 4] {
    [
        mara(true),
        jonas(false),
        Who::Person { name: "priya", id: "AIDALARKSPURPRIYA0003", key: "ASIALARKSPURPRIYA003", console: true },
        Who::Person { name: "tomasz", id: "AIDALARKSPURTOMAS0004", key: "ASIALARKSPURTOMAS004", console: false },
    ]
}

/// The deployment user, where it belongs.
pub(super) fn deploy_bot() -> Who {
    Who::Robot { name: "deploy-bot", id: "AIDALARKSPURDEPLOY005", key: LEAKED_KEY, address: "192.0.2.41", agent: CLI }
}

/// The same key in other hands.
pub(super) fn deploy_bot_stolen() -> Who {
    let agent = "aws-cli/1.22.34 Python/3.10.12 Linux/5.15.0-kali1-amd64 botocore/1.23.34";
    Who::Robot { name: "deploy-bot", id: "AIDALARKSPURDEPLOY005", key: LEAKED_KEY, address: INTRUDERS_ADDRESS, agent }
}

/// The user the intruder made.
pub(super) fn support_audit() -> Who {
    let agent = "aws-cli/1.22.34 Python/3.10.12 Linux/5.15.0-kali1-amd64 botocore/1.23.34";
    Who::Robot { name: "support-audit", id: "AIDALARKSPURSUPPORT99", key: INTRUDERS_KEY, address: INTRUDERS_ADDRESS, agent }
}

pub(super) fn web_app(instance: &str) -> Who {
    Who::Role {
        name: "web-app",
        id: "AROALARKSPURWEBAPP006",
        session: instance.to_owned(),
        key: "ASIALARKSPURWEBAPP06",
        address: "198.51.100.80",
        agent: SDK,
    }
}

pub(super) fn function(name: &str) -> Who {
    Who::Role {
        name: "shop-functions",
        id: "AROALARKSPURSHOPFN007",
        session: name.to_owned(),
        key: "ASIALARKSPURSHOPFN07",
        address: "198.51.100.81",
        agent: SDK,
    }
}

impl Who {
    pub(super) fn arn(&self, account: &str) -> String {
        match self {
            Self::Person { name, .. } | Self::Robot { name, .. } => format!("arn:aws:iam::{account}:user/{name}"),
            Self::Role { name, session, .. } => format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
            Self::Service(service) => (*service).to_owned(),
        }
    }

    pub(super) fn in_console(&self) -> bool {
        matches!(self, Self::Person { console: true, .. })
    }

    pub(super) fn invoked_by(&self) -> Option<&'static str> {
        if let Self::Service(service) = self { Some(service) } else { None }
    }

    pub(super) fn address(&self) -> &'static str {
        match self {
            Self::Person { .. } => OFFICE,
            Self::Robot { address, .. } | Self::Role { address, .. } => address,
            Self::Service(service) => service,
        }
    }

    pub(super) fn agent(&self) -> &'static str {
        match self {
            Self::Person { console: true, .. } => CONSOLE,
            Self::Person { .. } => CLI,
            Self::Robot { agent, .. } | Self::Role { agent, .. } => agent,
            Self::Service(service) => service,
        }
    }

    /// userIdentity as JSON text.
    pub(super) fn identity(&self, account: &str, time_s: i64) -> String {
        let since = cloudtrail::event::time_text(time_s - time_s.rem_euclid(3_600));
        let arn = self.arn(account);
        match self {
            Self::Person { name, id, key, .. } => format!(
                r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}","sessionContext":{{"attributes":{{"creationDate":"{since}","mfaAuthenticated":"true"}}}}}}"#
            ),
            Self::Robot { name, id, key, .. } => format!(
                r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}"}}"#
            ),
            Self::Role { name, id, session, key, .. } => format!(
                r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"{arn}","accountId":"{account}","accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{account}:role/{name}","accountId":"{account}","userName":"{name}"}},"attributes":{{"creationDate":"{since}","mfaAuthenticated":"false"}}}}}}"#
            ),
            Self::Service(service) => format!(r#"{{"type":"AWSService","invokedBy":"{service}"}}"#),
        }
    }
}
