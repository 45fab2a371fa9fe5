use super::*;

fn mark(n: u64) -> Mark {
    Mark::of(b"file", n, b"etag")
}

fn here() -> Identity {
    Identity::of(&["here"])
}

#[test]
fn what_is_noted_is_done_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/state");
    let (done, mut state) = State::open(&path, here(), false).unwrap();
    assert!(!done.has(mark(1)));
    for n in (0..1_000).rev() {
        state.note(&[mark(n), mark(n)]).unwrap();
    }
    drop(state);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 32 + 2_000 * 16);
    let (done, _) = State::open(&path, here(), false).unwrap();
    assert!((0..1_000).all(|n| done.has(mark(n))));
    assert!(!done.has(mark(1_000)));
}

#[test]
fn a_changed_file_is_another_one() {
    assert_ne!(Mark::of(b"a", 1, b"x"), Mark::of(b"a", 2, b"x"));
    assert_ne!(Mark::of(b"a", 1, b"x"), Mark::of(b"a", 1, b"y"));
    assert_ne!(Mark::of(b"a", 1, b"x"), Mark::of(b"b", 1, b"x"));
    assert_ne!(Identity::of(&["ab", "c"]), Identity::of(&["a", "bc"]));
}

#[test]
fn a_torn_mark_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    State::open(&path, here(), false).unwrap().1.note(&[mark(1), mark(2)]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for kept in 0..whole.len() {
        std::fs::write(&path, &whole[..kept]).unwrap();
        let (done, mut state) = State::open(&path, here(), false).unwrap();
        assert_eq!((done.has(mark(1)), done.has(mark(2))), (kept >= 48, false), "{kept} bytes kept");
        state.note(&[mark(3)]).unwrap();
        drop(state);
        let (done, _) = State::open(&path, here(), false).unwrap();
        assert!(done.has(mark(3)), "{kept} bytes kept");
    }
}

#[test]
fn afresh_forgets_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    State::open(&path, here(), false).unwrap().1.note(&[mark(1)]).unwrap();
    let (done, mut state) = State::open(&path, here(), true).unwrap();
    assert!(!done.has(mark(1)));
    state.note(&[mark(2)]).unwrap();
    drop(state);
    let (done, _) = State::open(&path, here(), false).unwrap();
    assert!(done.has(mark(2)) && !done.has(mark(1)));
}

#[test]
fn a_state_of_another_import_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    State::open(&path, here(), false).unwrap().1.note(&[mark(1)]).unwrap();
    for afresh in [false, true] {
        let refused = State::open(&path, Identity::of(&["elsewhere"]), afresh).unwrap_err();
        assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
    }
    assert!(State::open(&path, here(), false).unwrap().0.has(mark(1)));
}

#[test]
fn somebodys_file_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for content in ["x", "a file that has nothing to do with imports"] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(State::open(&path, here(), true).unwrap_err(), Error::Strange { .. }));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn two_imports_do_not_share_a_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (_done, state) = State::open(&path, here(), false).unwrap();
    assert!(matches!(State::open(&path, here(), false).unwrap_err(), Error::Locked { .. }));
    drop(state);
    State::open(&path, here(), false).unwrap();
}
