use tempfile::TempDir;

use super::*;

fn refused(id: &str) -> Refused {
    let record = format!(r#"{{"eventID":"{id}"}}"#).into();
    Refused { code: "C".to_owned(), message: "m".to_owned(), record }
}

fn line(id: &str) -> String {
    format!(r#"{{"code":"C","message":"m","record":{{"eventID":"{id}"}}}}"#) + "\n"
}

fn read(dir: &TempDir, name: &str) -> String {
    std::fs::read_to_string(dir.path().join(name)).unwrap()
}

#[test]
fn what_was_cut_short_is_taken_off() {
    let dir = TempDir::new().unwrap();
    let long = "x".repeat(PIECE_BYTES as usize * 2);
    for (before, whole) in [
        (String::new(), String::new()),
        (line("a"), line("a")),
        (line("a") + "{", line("a")),
        (line("a") + &line("b") + &long, line("a") + &line("b")),
        (long.clone(), String::new()),
    ] {
        std::fs::write(dir.path().join(NAME), &before).unwrap();
        let aside = Aside::open(dir.path()).unwrap();
        assert_eq!(read(&dir, NAME), whole);
        std::fs::write(dir.path().join(NAME), &before).unwrap();
        aside.put(&[refused("c"), refused("d")]).unwrap();
        assert_eq!(read(&dir, NAME), whole + &line("c") + &line("d"));
    }
}

#[test]
fn the_file_is_bounded_and_has_one_before_it() {
    let dir = TempDir::new().unwrap();
    let aside = Aside::bounded(dir.path(), line("a").len() as u64 * 2).unwrap();
    for id in ["a", "b"] {
        aside.put(&[refused(id)]).unwrap();
    }
    assert_eq!(read(&dir, NAME), line("a") + &line("b"));
    aside.put(&[refused("c")]).unwrap();
    assert_eq!((read(&dir, NAME_BEFORE), read(&dir, NAME)), (line("a") + &line("b"), line("c")));
    let many = ["d", "e", "f"].map(refused);
    aside.put(&many).unwrap();
    let all = line("d") + &line("e") + &line("f");
    assert_eq!((read(&dir, NAME_BEFORE), read(&dir, NAME)), (line("c"), all), "what comes together stays together");
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    aside.put(&[refused("g")]).unwrap();
    assert_eq!((read(&dir, NAME_BEFORE), read(&dir, NAME)), (line("c"), line("g")), "somebody took the file away");
}

#[test]
fn a_full_disk_is_an_error_and_the_records_come_again() {
    let dir = TempDir::new().unwrap();
    let aside = Aside::open(dir.path()).unwrap();
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join(NAME)).unwrap();
    let error = aside.put(&[refused("a")]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    aside.put(&[refused("a")]).unwrap();
    assert_eq!(read(&dir, NAME), line("a"));
}
