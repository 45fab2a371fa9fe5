use super::*;

fn check(xml: &str, expected: Result<&str, Unread>) {
    let text = document(xml.as_bytes()).map(|root| root.text_of("a").unwrap_or_default().to_owned());
    assert_eq!(text.as_deref().map_err(|error| *error), expected, "{xml:.100}");
}

#[test]
fn documents_are_read_with_the_entities_of_xml_alone() {
    check("<?xml version='1.0'?><!-- c --><r xmlns:n='u'><n:a>x &lt;&#65;&#x42;<![CDATA[<&>]]></n:a></r>", Ok("x <AB<&>"));
    check("<r><a/></r>", Ok(""));
    check("<r><a>&own;</a></r>", Err(Unread::Malformed));
    check("<!DOCTYPE r [<!ENTITY own 'x'>]><r><a>&own;</a></r>", Err(Unread::Malformed));
    for xml in ["", "x", "<r>", "<r></s>", "<r a=1/>", "<r><a>&#0;</a></r>", "\u{feff}"] {
        check(xml, Err(Unread::Malformed));
    }
}

#[test]
fn a_document_costs_no_more_than_a_record_can_hold() {
    check(&"<a>".repeat(100), Err(Unread::TooLarge));
    check(&format!("<r>{}</r>", "<b/>".repeat(60_000)), Err(Unread::TooLarge));
    check(&format!("<r{}/>", " a='1'".repeat(60_000)), Err(Unread::TooLarge));
}
