use aws_lc_rs::rsa::{KeyPair, KeySize};
use proptest::prelude::*;

use super::*;
use crate::log_file::Place;

/// The first sample key of the CloudTrail user guide, "Validating CloudTrail log file integrity with custom code".
const SAMPLE_KEY: &str = "\
     3082010a02820101009f5d4bd9867d87ba27ba0d882e2d4c5b21e2311b134237d613ea475512e4d508df5a18ab1be96939af0daf043faf\
     b021e5b34be877a9ce7394f574c349f9a69cff7b9aac9cef3feea5f65d4bf0078587066b3ee7e9673f451054e959a23c2ac05288ee4a4e\
     bf1a3bc0f2238f16c603b81b6f8976abbee2cf96b4fd9007782dbfab15f479a5e1200449219737391ee58eed2d32f8aba7ab15fa8d0067\
     5c632dc663c13cfd05ca581618d745b64b3fe1848a720ab01f460371ac0ff461860c078222a3d62170cb1b58ce8d147359f0a60f488952\
     4cfcbd3b27e21abfe59c51144ed404052255c19b7670ddbd57e117d0b7750883ab793b69d408ce22d3d1c4a1810203010001";
/// 2026-03-02T09:14:09Z.
const AT_S: i64 = 1_772_442_849;

fn series() -> Series {
    let place = Place {
        prefix: None,
        organization: None,
        account: "210987654321".parse().expect("an account"),
        region: "eu-west-1".parse().expect("a Region"),
    };
    Series {
        bucket: "acme-audit".to_owned(),
        place,
        trail: "my_trail".to_owned(),
        home: "us-east-1".parse().expect("a Region"),
        fingerprint: "9f".to_owned(),
    }
}

fn file(name: &str, newest_s: i64, oldest_s: i64) -> LogFile {
    LogFile::delivered("acme-audit", name, &[0xab; 32], newest_s, oldest_s)
}

/// Compact JSON of any JSON: blank space outside strings goes.
fn compact(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        let blank = !quoted && c.is_ascii_whitespace();
        quoted ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        !blank
    };
    text.chars().filter(keep).collect()
}

/// A digest of AWS is written by us byte for byte as AWS wrote it, and signs the text `expected`.
fn check(golden: &str, sha256: &str, expected: &str) {
    let document = Document::parse(golden.as_bytes()).expect("a digest");
    let bytes = serde_json::to_vec(&document).expect("JSON");
    assert_eq!(String::from_utf8(bytes).expect("UTF-8"), compact(golden));
    assert_eq!(string_to_sign(&document, sha256), expected);
}

#[test]
fn digests_of_the_documentation_are_written_in_the_same_order() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/digests/awsdocs.ndjson");
    let Ok(digests) = std::fs::read_to_string(path) else {
        println!("skipped: no corpus at {path}");
        return;
    };
    let mut lines = digests.lines();
    check(
        lines.next().expect("a digest"),
        "HASH",
        "2015-08-17T15:01:31Z\nS3-bucket-name/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz\nHASH\n50887ccffad4c002b97caa37cc9dc626e3c680207d41d27fa5835458e066e0d3652fc4dfc30937e4d5f4cc7f796e7a258fb50a43ac427f2237f6e505d4efaf373d156e15e3b68dea9f58111d395b62628d6bd367a9024d2183b5c5f6e19466d3a996b92df705bc997b8a0e13430f241d733cf95df4e41bb6c304c3f58363043572ea57a27085639ce187e679c0d81c7519b1184fa77fb7ab0b0e40a32dace6e1eefc3995c5ae182da49b62b26398cebb52a2201a6387b75b89c83e5570bcb9bba6c34a80f2f00a1c6ebe07d1ff149eccd812dc805bb3eeff6657db32a6cb48d2d096404eb76181877bc6ebb8cd0b23f823200155b2fd8848d428e46e8456328a",
    );
    for line in lines {
        let name =
            Name::parse(Document::parse(line.as_bytes()).expect("a digest").digest_s3_object.rsplit('/').next().expect("a name"));
        assert!(name.is_some(), "{line}");
    }
}

#[test]
fn a_starting_digest_is_the_one_of_the_reference() {
    let chain = Chain::start(AT_S, 3600);
    let unsigned = chain.next(&series(), vec![file("k1", AT_S - 10, AT_S - 20), file("k2", AT_S - 15, AT_S - 30)], AT_S);
    let object = "AWSLogs/210987654321/CloudTrail-Digest/eu-west-1/2026/03/02/210987654321_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260302T091409Z.json.gz";
    let ab = "ab".repeat(32);
    let expected = [
        r#"{"awsAccountId":"210987654321","digestStartTime":"2026-03-02T08:14:09Z","digestEndTime":"2026-03-02T09:14:09Z","#,
        &format!(r#""digestS3Bucket":"acme-audit","digestS3Object":"{object}","#),
        r#""digestPublicKeyFingerprint":"9f","digestSignatureAlgorithm":"SHA256withRSA","#,
        r#""newestEventTime":"2026-03-02T09:13:59Z","oldestEventTime":"2026-03-02T09:13:39Z","#,
        r#""previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"#,
        r#""previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":["#,
        &format!(r#"{{"s3Bucket":"acme-audit","s3Object":"k1","hashValue":"{ab}","hashAlgorithm":"SHA-256","#),
        r#""newestEventTime":"2026-03-02T09:13:59Z","oldestEventTime":"2026-03-02T09:13:49Z"},"#,
        &format!(r#"{{"s3Bucket":"acme-audit","s3Object":"k2","hashValue":"{ab}","hashAlgorithm":"SHA-256","#),
        r#""newestEventTime":"2026-03-02T09:13:54Z","oldestEventTime":"2026-03-02T09:13:39Z"}]}"#,
    ]
    .concat();
    assert_eq!(String::from_utf8(unsigned.bytes.clone()).expect("UTF-8"), expected);
    assert_eq!(unsigned.sha256, hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &unsigned.bytes)));
    let to_sign = format!("2026-03-02T09:14:09Z\nacme-audit/{object}\n{}\nnull", unsigned.sha256);
    assert_eq!(unsigned.string_to_sign, to_sign);
}

#[test]
fn a_digest_names_the_one_before_it_where_that_was_written() {
    let first = Chain::start(AT_S, 3600).next(&series(), vec![], AT_S);
    assert_eq!((&first.document.newest_event_time, &first.document.oldest_event_time), (&None, &None));
    let chain = first.signed(&[1, 0xff]);
    let moved = Series { bucket: "elsewhere".to_owned(), ..series() };
    let second = chain.next(&moved, vec![], AT_S + 3600);
    let document = &second.document;
    assert_eq!(document.digest_start_time, first.document.digest_end_time);
    assert_eq!(document.digest_s3_bucket, "elsewhere");
    assert_eq!(document.previous_digest_s3_bucket.as_deref(), Some("acme-audit"));
    assert_eq!(document.previous_digest_s3_object.as_ref(), Some(&first.document.digest_s3_object));
    assert_eq!(document.previous_digest_hash_value.as_ref(), Some(&first.sha256));
    assert_eq!(document.previous_digest_hash_algorithm.as_deref(), Some("SHA-256"));
    assert_eq!(document.previous_digest_signature.as_deref(), Some("01ff"));
    assert!(second.string_to_sign.ends_with("\n01ff"));
    let kept: Chain = serde_json::from_str(&serde_json::to_string(&chain).expect("JSON")).expect("a chain");
    assert_eq!(kept, chain);
}

#[test]
fn every_interval_that_is_over_is_due_in_order() {
    let ends = |chain: &Chain, now_s| chain.due(now_s, 3600).map(|i| i.end_s - AT_S).collect::<Vec<_>>();
    let chain = Chain::start(AT_S, 3600);
    assert_eq!(ends(&chain, AT_S - 1), [] as [i64; 0]);
    assert_eq!(ends(&chain, AT_S), [0], "the starting digest is due at once");
    assert_eq!(ends(&chain, AT_S + 3599), [0]);
    assert_eq!(ends(&chain, AT_S + 3600 * 3 + 1), [0, 3600, 7200, 10800], "missed ones are caught up");
    let later = Chain { next_start_s: AT_S + 7200, previous: None };
    assert_eq!(ends(&later, AT_S + 3600), [] as [i64; 0], "a clock that went back does no harm");
    assert_eq!(later.due(AT_S + 7210, 5).map(|i| i.end_s - AT_S).collect::<Vec<_>>(), [7205, 7210], "another length");
    assert_eq!(Chain { next_start_s: i64::MAX - 1, previous: None }.due(i64::MAX, 5).count(), 1, "time ends");
}

#[test]
fn a_file_belongs_to_the_interval_of_its_cut() {
    let chain = Chain { next_start_s: AT_S, previous: None };
    let start = |cut_at_s| chain.interval_of(cut_at_s, 3600).start_s - AT_S;
    assert_eq!([AT_S - 1, AT_S, AT_S + 3599, AT_S + 3600, AT_S + 90_000].map(start), [0, 0, 0, 3600, 90_000]);
    assert_eq!(chain.final_interval(AT_S), None);
    assert_eq!(chain.final_interval(AT_S + 9), Some(Interval { start_s: AT_S, end_s: AT_S + 9 }));
}

#[test]
fn names_carry_the_trail_and_its_home_region() {
    let name = |file: &str| Name::parse(file);
    let file = "210987654321_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260302T091409Z.json.gz";
    let parsed = name(file).expect("a name");
    assert_eq!(
        (parsed.trail.as_str(), parsed.home.as_str(), parsed.end_s, parsed.backfill),
        ("my_trail", "us-east-1", AT_S, false)
    );
    assert_eq!(parsed.render(), file);
    let late = file.replace("Z.json", "Z_backfill.json");
    assert_eq!(name(&late), Some(Name { backfill: true, ..parsed }));
    assert_eq!(name(&late).expect("a name").render(), late);
    for bad in [
        "",
        "210987654321_CloudTrail_eu-west-1_my_trail_us-east-1_20260302T091409Z.json.gz",
        "210987654321_CloudTrail-Digest_eu-west-1_us-east-1_20260302T091409Z.json.gz",
        "210987654321_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260302T0914Z.json.gz",
        "210987654321_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260302T096109Z.json.gz",
        "210987654321_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260302T091409Z.gz",
    ] {
        assert_eq!(name(bad), None, "{bad}");
    }
}

#[test]
fn the_fingerprint_is_the_md5_of_the_pkcs1_der() {
    let der = hex::decode(SAMPLE_KEY).expect("hex");
    assert_eq!(fingerprint(&der), "8eba5db5bea9b640d1c96a77256fe7f2");
    assert!(!verify(&der, b"message", &[0; 256]));
    assert!(!verify(b"no key", b"message", &[0; 256]));
}

#[test]
fn a_signature_is_always_the_same_and_verifies() {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = public_key_der(&key);
    // SEQUENCE of 266 bytes, INTEGER of 257: a PKCS#1 RSAPublicKey, no SubjectPublicKeyInfo.
    assert!(der.starts_with(&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00]), "{}", hex::encode(&der));
    let signature = sign(&key, b"message");
    assert_eq!(signature.len() * 8, KEY_BITS);
    assert_eq!(signature, sign(&key, b"message"));
    assert!(verify(&der, b"message", &signature));
    assert!(!verify(&der, b"massage", &signature));
}

proptest! {
    #[test]
    fn intervals_tile_time(activation_s in any::<i32>(), length_s in 1_i64..100_000, at_s in any::<i32>()) {
        let (activation_s, at_s) = (i64::from(activation_s), i64::from(at_s));
        let interval = Interval::containing(activation_s, length_s, at_s);
        prop_assert!(interval.contains(at_s));
        prop_assert_eq!((interval.start_s - activation_s).rem_euclid(length_s), 0);
        prop_assert_eq!(Interval::containing(activation_s, length_s, interval.end_s).start_s, interval.end_s);
        prop_assert_eq!(Interval::containing(activation_s, length_s, interval.start_s), interval);
    }

    #[test]
    fn any_name_is_answered(file in "[0-9]{12}_CloudTrail-Digest_\\PC{0,60}(_backfill)?.json.gz") {
        if let Some(name) = Name::parse(&file) {
            prop_assert_eq!(name.render(), file);
        }
    }
}
