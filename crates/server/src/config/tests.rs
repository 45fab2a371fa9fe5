use super::*;

fn check(text: &str) -> Result<Config, String> {
    let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    Config::new(file, PathBuf::from("data"), None).map_err(|error| error.to_string())
}

#[test]
fn an_empty_file_gives_the_documented_defaults() {
    let config = check("").expect("defaults are valid");
    assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(config.account.to_string(), DEFAULT_ACCOUNT);
    assert_eq!(config.trails.delivery_interval, Duration::from_secs(300));
    assert_eq!(config.trails.digest_interval, Duration::from_secs(3_600));
    assert_eq!(config.history_retention, Duration::from_secs(90 * 86_400));
    assert_eq!(config.import_retention, None);
    assert_eq!(config.bucket_lock, Duration::from_secs(90 * 86_400));
    assert!(config.regions.iter().any(|region| region.as_str() == "us-east-1"));
}

#[test]
fn settings_of_the_file_are_used() {
    let config = check(
        "listen = '127.0.0.1:0'\naccount_id = '000000000001'\nregions = ['eu-west-1']\n[trails]\ndelivery_interval = '2s'\n\
         [history]\nimport_retention = '10d'\n[buckets]\nlock = '0s'\n[channels]\nsources = ['Okta']\n[s3]\nendpoint = 'http://127.0.0.1:9'\n\
         [[account]]\nid = '000000000002'\nname = 'b'\naccess_key_id = 'AKIAB'\nsecret_access_key = 's'\n",
    )
    .expect("valid");
    assert_eq!(config.trails.delivery_interval, Duration::from_secs(2));
    assert_eq!(config.import_retention, Some(Duration::from_secs(864_000)));
    assert_eq!(config.bucket_lock, Duration::ZERO);
    assert_eq!((config.channels.sources.as_deref(), config.channels.one_custom), (Some(&["Okta".to_owned()][..]), false));
    assert!(config.s3.is_configured());
    assert_eq!(config.accounts.len(), 1);
}

#[test]
fn what_cannot_be_used_is_named() {
    for (text, expected) in [
        ("colour = 'red'", "unknown field `colour`"),
        ("account_id = '12'", "account_id: \"12\" is not an account id"),
        ("listen = 'here'", "listen: \"here\" is not ADDRESS:PORT"),
        ("regions = []", "regions: names no Region"),
        ("[trails]\ndelivery_interval = '0s'", "trails.delivery_interval: must be a second or more"),
        ("[trails]\ndelivery_interval = '5 minutes'", "has no unit"),
        ("[history]\nretention = 'forever'", "history.retention: must be a duration"),
        ("[history]\nretention = '99999999d'", "over 100 years"),
        ("[[account]]\nid = '123456789012'\naccess_key_id = 'a'\nsecret_access_key = 'b'", "is the default account"),
    ] {
        let error = check(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_model_that_writes_queries_needs_an_endpoint_and_a_name() {
    assert!(check("").expect("valid").generate.is_none());
    let config = check("[generate]\nendpoint = 'http://127.0.0.1:9/v1/chat/completions'\nmodel = 'm'\n").expect("valid");
    assert_eq!(config.generate.expect("it is configured").model, "m");
    for text in ["[generate]\nmodel = 'm'\n", "[generate]\nendpoint = 'http://a'\n", "[generate]\nendpoint = 'a'\nmodel = 'm'\n"]
    {
        assert!(check(text).is_err(), "{text}");
    }
}
