use super::*;

#[test]
fn one_allowed_alternative_is_enough_and_all_of_its_parts_are_needed() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    let check = |licence, expected| assert_eq!(is_allowed(licence, &allowed), expected, "{licence}");
    check("MIT", true);
    check("MIT/Apache-2.0", true);
    check("GPL-3.0 OR MIT", true);
    check("GPL-3.0", false);
    check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
    check("GPL-3.0 AND MIT", false);
    check("Apache-2.0 WITH LLVM-exception", true);
    check("", false);
}
