use std::sync::atomic::{AtomicI64, Ordering};

use catalog::Catalog;
use cloudtrail::record::SessionContext;
use pipeline::clock::Clock;
use tempfile::TempDir;

use super::*;

const ACCOUNT: &str = "123456789012";

struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }
}

/// What knows keys until the program ends.
struct Life {
    identities: Identities,
    sessions: Sessions,
    reload: Reload,
    catalog: Catalog,
    now: Arc<Now>,
}

async fn open(dir: &TempDir, mapping: Option<&str>) -> Life {
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    let now = Arc::new(Now(AtomicI64::new(1_000)));
    let (sessions, _) = Sessions::open(catalog.clone(), now.clone());
    let file = dir.path().join("identities.toml");
    if let Some(text) = mapping {
        std::fs::write(&file, text).unwrap();
    }
    let roots: Roots = Arc::new(|key| (key == "AKIAROOT").then(|| ACCOUNT.parse().unwrap()));
    let (identities, reload) = Identities::open(sessions.clone(), mapping.map(|_| file), roots).unwrap();
    Life { identities, sessions, reload, catalog, now }
}

impl Life {
    async fn of(&self, key: &str) -> Option<Known> {
        self.identities.of_key(key).await.unwrap()
    }

    async fn learn(&self, made: &call::Session, caller: &str) {
        let caller = self.of(caller).await;
        self.identities.learn(made, caller.as_ref()).await.unwrap();
    }
}

fn made(by: &str, key: &str) -> call::Session {
    call::Session {
        made_by: by.to_owned(),
        access_key_id: key.to_owned(),
        expires_s: Some(4_600),
        arn: None,
        principal_id: None,
        role_arn: None,
        source_identity: None,
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        mfa: false,
        federated_provider: None,
    }
}

fn role(key: &str, name: &str) -> call::Session {
    call::Session {
        arn: Some(format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/work")),
        principal_id: Some(format!("AROA{name}:work")),
        role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/teams/{name}")),
        ..made("AssumeRole", key)
    }
}

const MARY: &str = r#"
[[identity]]
access_key_id = "AKIAMARY"
arn = "arn:aws:iam::123456789012:user/staff/mary"

[[identity]]
access_key_id = "AKIAROLE"
arn = "arn:aws:sts::210987654321:assumed-role/Deploy/ci"
"#;

#[tokio::test]
async fn a_key_is_known_from_the_file_or_as_a_root_s_and_else_not() {
    let dir = TempDir::new().unwrap();
    let life = open(&dir, Some(MARY)).await;
    let mary = life.of("AKIAMARY").await.unwrap().principal;
    assert_eq!(mary.type_, PrincipalType::IamUser);
    assert_eq!(mary.user_name.as_deref(), Some("mary"));
    assert_eq!(mary.account, ACCOUNT.parse().ok());
    let deploy = life.of("AKIAROLE").await.unwrap().principal;
    assert_eq!(deploy.type_, PrincipalType::AssumedRole);
    let issuer = deploy.session.as_ref().unwrap().issuer.as_ref().unwrap();
    assert_eq!((issuer.user_name.as_deref(), issuer.arn.as_deref()), (Some("Deploy"), None));
    let root = life.of("AKIAROOT").await.unwrap().principal;
    assert_eq!((root.type_, root.arn.as_deref()), (PrincipalType::Root, Some("arn:aws:iam::123456789012:root")));
    assert!(life.of("AKIAOTHER").await.is_none());
}

#[tokio::test]
async fn a_chain_of_three_roles_leads_back_to_who_began_it_after_a_restart_too() {
    let dir = TempDir::new().unwrap();
    let life = open(&dir, Some(MARY)).await;
    let first = call::Session {
        source_identity: Some("mary@example.org".to_owned()),
        tags: vec![("Team".to_owned(), "red".to_owned()), ("Shift".to_owned(), "night".to_owned())],
        transitive_tags: vec!["Team".to_owned()],
        mfa: true,
        ..role("ASIA1", "One")
    };
    life.learn(&first, "AKIAMARY").await;
    life.catalog.close().await;

    let life = open(&dir, Some(MARY)).await;
    let second = call::Session { tags: vec![("team".to_owned(), "blue".to_owned())], ..role("ASIA2", "Two") };
    life.learn(&second, "ASIA1").await;
    life.learn(&role("ASIA3", "Three"), "ASIA2").await;
    life.catalog.close().await;

    let life = open(&dir, None).await;
    let third = life.of("ASIA3").await.unwrap();
    let Principal { type_, arn, access_key_id, account, session, .. } = &*third.principal;
    assert_eq!(*type_, PrincipalType::AssumedRole);
    assert_eq!(arn.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/Three/work"));
    assert_eq!((access_key_id.as_deref(), *account), (Some("ASIA3"), ACCOUNT.parse().ok()));
    let SessionContext { issuer, source_identity, created_s, mfa, .. } = session.as_ref().unwrap();
    let issuer = issuer.as_ref().unwrap();
    assert_eq!(issuer.arn.as_deref(), Some("arn:aws:iam::123456789012:role/teams/Three"));
    assert_eq!((issuer.principal_id.as_deref(), issuer.user_name.as_deref()), (Some("AROAThree"), Some("Three")));
    assert_eq!(source_identity.as_deref(), Some("mary@example.org"));
    assert_eq!((*created_s, *mfa), (Some(1_000), Some(false)));
    let kept = third.session.unwrap();
    assert_eq!(kept.tags, [("Team".to_owned(), "red".to_owned())]);
    assert_eq!(kept.transitive_tags, kept.tags);
    let second = kept.caller.as_ref().unwrap();
    assert_eq!(second.access_key_id.as_deref(), Some("ASIA2"));
    let first = life.of("ASIA1").await.unwrap().session.unwrap();
    assert_eq!(first.caller.as_ref().unwrap().user_name.as_deref(), Some("mary"));
}

#[tokio::test]
async fn other_sessions_are_who_asked_for_them() {
    let dir = TempDir::new().unwrap();
    let life = open(&dir, Some(MARY)).await;
    life.learn(&call::Session { mfa: true, ..made("GetSessionToken", "ASIAOWN") }, "AKIAMARY").await;
    let own = life.of("ASIAOWN").await.unwrap().principal;
    assert_eq!((own.type_, own.user_name.as_deref()), (PrincipalType::IamUser, Some("mary")));
    assert_eq!((own.session.as_ref().unwrap().mfa, own.access_key_id.as_deref()), (Some(true), Some("ASIAOWN")));

    let federated = call::Session {
        arn: Some(format!("arn:aws:sts::{ACCOUNT}:federated-user/bob")),
        principal_id: Some(format!("{ACCOUNT}:bob")),
        ..made("GetFederationToken", "ASIAFED")
    };
    life.learn(&federated, "AKIAMARY").await;
    let bob = life.of("ASIAFED").await.unwrap().principal;
    assert_eq!((bob.type_, bob.principal_id.as_deref()), (PrincipalType::FederatedUser, Some("123456789012:bob")));
    let issuer = bob.session.as_ref().unwrap().issuer.clone().unwrap();
    assert_eq!((issuer.type_, issuer.user_name.as_deref()), (PrincipalType::IamUser, Some("mary")));

    let web = call::Session {
        federated_provider: Some("idp".to_owned()),
        made_by: "AssumeRoleWithWebIdentity".to_owned(),
        ..role("ASIAWEB", "Web")
    };
    life.identities.learn(&web, None).await.unwrap();
    let session = life.of("ASIAWEB").await.unwrap().principal.session.clone().unwrap();
    assert_eq!(session.federated_provider.as_deref(), Some("idp"));

    life.learn(&made("GetSessionToken", "ASIANOBODY"), "AKIAOTHER").await;
    assert!(life.of("ASIANOBODY").await.is_none(), "whose it is was not known, and is not guessed");
}

#[tokio::test]
async fn a_session_that_was_asked_for_in_vain_is_known_once_it_is_learnt() {
    let dir = TempDir::new().unwrap();
    let life = open(&dir, None).await;
    assert!(life.of("ASIA1").await.is_none());
    life.identities.learn(&role("ASIA1", "One"), None).await.unwrap();
    assert!(life.of("ASIA1").await.is_some());
    life.now.0.store(4_600 + 86_400, Ordering::Relaxed);
    life.sessions.purge().await.unwrap();
    assert!(life.of("ASIA1").await.is_some(), "calls are refused for an expired key, and it is told whose it was");
    life.now.0.store(4_601 + 86_400, Ordering::Relaxed);
    life.sessions.purge().await.unwrap();
    assert!(life.of("ASIA1").await.is_none());
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_and_a_broken_one_is_not() {
    let dir = TempDir::new().unwrap();
    let mut life = open(&dir, Some("")).await;
    assert!(life.of("AKIAMARY").await.is_none());
    let change = |text: &str, at_s: u64| {
        let path = dir.path().join("identities.toml");
        std::fs::write(&path, text).unwrap();
        let at = std::time::UNIX_EPOCH + Duration::from_secs(at_s);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    };
    change(MARY, 1);
    life.reload.look();
    assert!(life.of("AKIAMARY").await.is_some());
    change("[[identity]]", 2);
    life.reload.look();
    assert!(life.of("AKIAMARY").await.is_some());
}

#[test]
fn a_file_with_faults_is_refused_with_the_reason() {
    let check = |text: &str, expected: &str| {
        let error = Mapping::parse(text).map(|_| ()).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    let one = |more: &str| format!("[[identity]]\naccess_key_id = \"AK\"\n{more}");
    check(&one("arn = \"arn:aws:s3:::bucket\""), "is not the ARN of");
    check(&one("arn = \"mary\""), "is not the ARN of");
    check(&one("arn = \"arn:aws:iam::123456789012:user/mary\"\naccount = \"210987654321\""), "is not the account");
    check(&one("arn = \"arn:aws:iam::123456789012:user/mary\"\naccount = \"1\""), "12 digits");
    check(&one("arn = \"arn:aws:sts::123456789012:assumed-role/R/S\"\nuser_name = \"x\""), "has no user_name");
    check(&one("arn = \"arn:aws:iam::123456789012:root\"\nsecret = \"x\""), "unknown field");
    check(&one(""), "missing field");
    let twice = one("arn = \"arn:aws:iam::123456789012:root\"").repeat(2).replace("]a", "]\na");
    check(&twice.replace("root\"[[", "root\"\n[["), "there twice");
    check("[[identity]]\naccess_key_id = \"\"\narn = \"arn:aws:iam::123456789012:root\"", "1 to 128");
    assert!(Mapping::parse("").unwrap().is_empty());
    let other = Mapping::parse(&one("arn = \"arn:minio:iam:::user/mary\"\naccount = \"210987654321\"")).unwrap();
    assert_eq!((other.len(), other.get("AK").unwrap().account), (1, "210987654321".parse().ok()));
}
