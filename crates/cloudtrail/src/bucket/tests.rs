use super::*;

fn check(name: &str, expected: Result<(), Invalid>) {
    assert_eq!(check_name(name), expected, "{name}");
}

#[test]
fn bucket_names_follow_the_rules_of_s3() {
    for name in ["abc", "a.b.c", "my-bucket", "0bucket9", "1.2.3.4x", "amzn-s3-demo-bucket", "1.2.3"] {
        check(name, Ok(()));
    }
    check(&"x".repeat(63), Ok(()));
    check(&"x".repeat(64), Err(Invalid::NameLength));
    check("ab", Err(Invalid::NameLength));
    check("", Err(Invalid::NameLength));
    check("Bucket", Err(Invalid::NameCharacters));
    check("my_bucket", Err(Invalid::NameCharacters));
    check("bücket", Err(Invalid::NameCharacters));
    check("my/bucket", Err(Invalid::NameCharacters));
    check("-bucket", Err(Invalid::NameEnds));
    check("bucket.", Err(Invalid::NameEnds));
    check("my..bucket", Err(Invalid::NamePeriods));
    check("192.168.5.4", Err(Invalid::NameAddress));
    check("999.999.999.999", Err(Invalid::NameAddress));
    for name in ["xn--bucket", "sthree-b", "b-s3alias", "b--ol-s3", "bucket.mrap", "b--x-s3", "b--table-s3"] {
        check(name, Err(Invalid::NameAffix));
    }
}

#[test]
fn names_of_our_own_paths_cannot_be_created() {
    for name in RESERVED {
        assert_eq!(check_new_name(name), Err(Invalid::NameReserved), "{name}");
    }
    assert_eq!(check_new_name("metrics-1"), Ok(()));
    assert_eq!(check_name("metrics"), Ok(()), "another S3 may have such a bucket");
    assert_eq!(check_new_name("A"), Err(Invalid::NameLength));
}

#[test]
fn keys_have_1_to_1024_bytes() {
    assert_eq!(check_key(""), Err(Invalid::KeyEmpty));
    assert_eq!(check_key("a/../b//c"), Ok(()));
    assert_eq!(check_key(&"ü".repeat(512)), Ok(()));
    assert_eq!(check_key(&"ü".repeat(513)), Err(Invalid::KeyTooLong));
}
