use super::*;

#[test]
fn names_that_can_mean_nothing_but_a_secret_are_known() {
    for name in ["MasterUserPassword", "clientSecret", "SecretString", "SessionToken", "AuthToken", "privateKey", "UserData"] {
        assert!(means_secret(name), "{name}");
    }
    for name in ["NextToken", "ClientToken", "ClientRequestToken", "SecretId", "PasswordPolicy", "KeyId", "PasswordResetRequired"]
    {
        assert!(!means_secret(name), "{name}");
    }
}
