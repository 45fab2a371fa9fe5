use super::*;

#[test]
fn a_path_that_a_shell_would_split_is_quoted() {
    assert_eq!(quoted(Path::new("/srv/trailkeep-1/credentials")), "/srv/trailkeep-1/credentials");
    assert_eq!(quoted(Path::new("/srv/my data/credentials")), "'/srv/my data/credentials'");
    assert_eq!(quoted(Path::new("/srv/it's/credentials")), r"'/srv/it'\''s/credentials'");
}
