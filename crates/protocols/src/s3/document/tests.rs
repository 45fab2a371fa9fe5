use super::read;

fn check(xml: &str, expected: Option<(&str, &str)>) {
    let read = read(xml.as_bytes()).map(|(name, value)| (name, value.render().get().to_owned()));
    assert_eq!(read.as_ref().map(|(name, json)| (name.as_str(), json.as_str())), expected, "{xml}");
}

#[test]
fn documents_read_as_in_real_records() {
    check(
        r#"<?xml version="1.0"?><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Value>true</Value>
           <Key>StratusRedTeam</Key></Tag></TagSet></Tagging>"#,
        Some((
            "Tagging",
            r#"{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","TagSet":{"Tag":{"Value":true,"Key":"StratusRedTeam"}}}"#,
        )),
    );
    check(
        r"<LifecycleConfiguration><Rule><Expiration><Days>1</Days></Expiration><Filter><Prefix>*</Prefix></Filter>
           <Status>Enabled</Status></Rule><Rule/></LifecycleConfiguration>",
        Some(("LifecycleConfiguration", r#"{"Rule":[{"Expiration":{"Days":1},"Filter":{"Prefix":"*"},"Status":"Enabled"},""]}"#)),
    );
    check(
        r#"<G xmlns:xsi="http://x/" xsi:type="CanonicalUser"><ID>007</ID>a &amp; &#66;<![CDATA[<c>]]></G>"#,
        Some(("G", r#"{"xmlns_xsi":"http://x/","xsi_type":"CanonicalUser","content":"a & B<c>","ID":"007"}"#)),
    );
    check("<A>12</A>", Some(("A", "12")));
    check("<A/>", Some(("A", r#""""#)));
}

#[test]
fn what_is_no_document_is_left_alone() {
    for xml in ["", "text", "<A>", "<A></B>", "</A>", "<A>&nothing;</A>", r#"<!DOCTYPE a [<!ENTITY b "c">]><A>&b;</A>"#] {
        check(xml, None);
    }
    check(&"<A>".repeat(100_000), None);
    check(&format!("<A>{}</A>", "<B/>".repeat(60_000)), None);
}
