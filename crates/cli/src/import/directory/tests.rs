use super::*;

fn touch(root: &Path, paths: &[&str]) {
    for path in paths {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"{}").unwrap();
    }
}

/// What a walk of `root` meets: files by their paths below it.
fn walked(root: &Path) -> (Vec<String>, Vec<(Skip, u64)>, Vec<PathBuf>) {
    let (mut files, mut skipped, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    let ended = Folder::open(root).unwrap().walk(&mut |step| {
        match step {
            Step::Files(batch) => {
                assert!(batch.names.len() <= BATCH_FILES_MAX);
                let below = batch.folder.strip_prefix(root).unwrap().to_owned();
                files.extend(batch.names.iter().map(|name| below.join(name).display().to_string()));
            }
            Step::Skipped(skip, n) => skipped.push((skip, n)),
            Step::Unreadable(path, _) => unreadable.push(path),
        }
        ControlFlow::Continue(())
    });
    assert!(ended.is_continue());
    skipped.sort_unstable();
    (files, skipped, unreadable)
}

#[test]
fn each_folder_is_walked_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    touch(folder.path(), &["b/2.json", "c.json", "a.json", "b/1.json.gz", "b/10/x.json", "d/z.jsonl", "A.json"]);
    let expected = ["A.json", "a.json", "b/1.json.gz", "b/10/x.json", "b/2.json", "c.json", "d/z.jsonl"];
    assert_eq!(walked(folder.path()).0, expected);
}

#[test]
fn what_is_passed_over_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    touch(
        folder.path(),
        &[
            "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/x.json.gz",
            "AWSLogs/123456789012/CloudTrail/us-east-1/x.json.gz",
            "AWSLogs/123456789012/Config/x.json.gz",
            "README",
            "notes.txt",
        ],
    );
    let (files, skipped, unreadable) = walked(folder.path());
    assert_eq!(files, ["AWSLogs/123456789012/CloudTrail/us-east-1/x.json.gz"]);
    assert_eq!(skipped, [(Skip::Digest, 1), (Skip::OtherService, 1), (Skip::OtherName, 1), (Skip::OtherName, 1)]);
    assert!(unreadable.is_empty());
}

#[test]
fn links_to_files_are_read_and_links_to_folders_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    touch(folder.path(), &["real.json"]);
    std::os::unix::fs::symlink("real.json", folder.path().join("link.json")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("circle")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("broken.json")).unwrap();
    let (files, skipped, _) = walked(folder.path());
    assert_eq!(files, ["link.json", "real.json"]);
    assert_eq!(skipped, [(Skip::NotAFile, 1), (Skip::NotAFile, 1)]);
}

#[test]
fn large_folders_are_handed_on_in_batches() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..=BATCH_FILES_MAX * 2).map(|n| format!("{n:05}.json")).collect();
    touch(folder.path(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(walked(folder.path()).0, names);
}

#[test]
fn a_walk_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    touch(folder.path(), &["a/1.json", "b/2.json"]);
    let mut steps = 0;
    let ended = Folder::open(folder.path()).unwrap().walk(&mut |_| {
        steps += 1;
        ControlFlow::Break(())
    });
    assert!(ended.is_break() && steps == 1);
}

#[test]
fn a_single_file_is_taken_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    touch(folder.path(), &["records.txt"]);
    let file = Folder::open(&folder.path().join("records.txt")).unwrap();
    assert!(file.is_file());
    let mut found = Vec::new();
    let _ = file.walk(&mut |step| {
        found.push(step);
        ControlFlow::Continue(())
    });
    assert_eq!(found, [Step::Files(Batch { folder: folder.path().to_owned(), names: vec!["records.txt".into()] })]);
    assert!(Folder::open(&folder.path().join("missing")).is_err());
}
