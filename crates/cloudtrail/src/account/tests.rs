use super::AccountId;

fn check(text: &str, expected: bool) {
    let parsed = text.parse::<AccountId>();
    assert_eq!(parsed.is_ok(), expected, "{text:?}");
    if let Ok(account) = parsed {
        assert_eq!(account.to_string(), text);
        let json = serde_json::to_string(&account).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), account);
    }
}

#[test]
fn an_account_id_is_exactly_twelve_ascii_digits() {
    check("123456789012", true);
    check("000000000000", true);
    check("", false);
    check("12345678901", false);
    check("1234567890123", false);
    check("12345678901a", false);
    check(" 23456789012", false);
    check("-23456789012", false);
    check("١٢٣٤٥٦", false); // Twelve bytes of digits that are not ASCII.
    assert!(serde_json::from_str::<AccountId>("123456789012").is_err());
}
