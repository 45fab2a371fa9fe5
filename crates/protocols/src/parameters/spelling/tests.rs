use super::*;

#[test]
fn only_the_first_letter_becomes_small() {
    for (name, expected) in
        [("KeyId", "keyId"), ("DBName", "dBName"), ("SSEDescription", "sSEDescription"), ("tags", "tags"), ("", "")]
    {
        assert_eq!(lower_first(name), expected);
    }
}
