use super::*;

fn row(n: u64) -> Row {
    vec![Some(n.to_string()), Some("é\n\"x".repeat(3)), None]
}

fn written(dir: &Path, rows: u64) -> (PathBuf, Option<Vec<u8>>) {
    let path = dir.join("q.rows");
    let mut writer = Writer::new(&path, vec!["n".to_owned(), "text".to_owned(), "nothing".to_owned()]);
    for n in 0..rows {
        writer.push(&row(n)).unwrap();
        assert!(!path.exists(), "it has another name before it is finished");
    }
    let results = writer.finish().unwrap();
    assert_eq!(results.rows, rows);
    assert_ne!(results.small.is_some(), path.exists(), "results are in one place");
    assert!(!path.with_extension("tmp").exists());
    (path, results.small)
}

#[test]
fn pages_put_together_are_the_rows_that_were_written() {
    let dir = tempfile::tempdir().unwrap();
    for count in [0, 1, 999, 50_000] {
        let (path, small) = written(dir.path(), count);
        assert_eq!(small.is_some(), count < 50_000, "{count}");
        let reader = Reader::open(&path, small).unwrap();
        assert_eq!((reader.index.rows, reader.columns().len()), (count, 3));
        for (rows_max, bytes_max) in [(1000, usize::MAX), (7_919, usize::MAX), (1000, 5_000)] {
            let (mut rows, mut next) = (Vec::new(), Some(0));
            while let Some(from) = next {
                let page = reader.page(from, rows_max, bytes_max).unwrap();
                assert!(page.rows.len() <= rows_max);
                rows.extend(page.rows);
                next = page.next;
            }
            assert!(rows.into_iter().eq((0..count).map(row)));
        }
    }
}

#[test]
fn a_page_reads_the_blocks_it_is_in_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = written(dir.path(), 50_000);
    let reader = Reader::open(&path, None).unwrap();
    assert!(reader.index.blocks.len() > 4);
    // What is before the page is destroyed: it is not looked at.
    let last = *reader.index.blocks.last().unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&vec![0xff; (last.offset - 8) as usize], 8).unwrap();
    let page = reader.page(last.first_row, 10, usize::MAX).unwrap();
    assert_eq!(page.rows.first(), Some(&row(last.first_row)));
    assert!(matches!(reader.page(0, 10, usize::MAX), Err(Error::Damaged { .. })), "a damaged block is told of");
}

#[test]
fn a_page_has_at_least_one_row_however_long_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q.rows");
    let mut writer = Writer::new(&path, vec!["long".to_owned()]);
    for _ in 0..3 {
        writer.push(&vec![Some("x".repeat(1 << 20))]).unwrap();
    }
    let small = writer.finish().unwrap().small;
    let page = Reader::open(&path, small).unwrap().page(1, 1000, 100).unwrap();
    assert_eq!((page.rows.len(), page.next), (1, Some(2)));
}

#[test]
fn more_than_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::new(&dir.path().join("q.rows"), vec!["n".to_owned()]);
    let mut writer = writer.with_bytes_max(1_000);
    let failed = (0..1_000).find_map(|n| writer.push(&row(n)).err());
    assert!(matches!(failed, Some(Error::TooLarge)));
}

#[test]
fn what_is_cut_or_altered_is_not_taken_for_results() {
    let dir = tempfile::tempdir().unwrap();
    let (path, small) = written(dir.path(), 100);
    let whole = small.unwrap();
    let opened = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        [Reader::open(&path, None), Reader::open(&path, Some(bytes.to_vec()))]
    };
    for length in [0, 7, 15, 30, whole.len() / 2, whole.len() - 1] {
        assert!(opened(&whole[..length]).iter().all(Result::is_err), "{length}");
    }
    assert!(opened(&whole).into_iter().all(|reader| reader.unwrap().page(0, 10, usize::MAX).is_ok()));
    let mut altered = whole;
    altered[20] ^= 1;
    assert!(opened(&altered).into_iter().all(|reader| reader.unwrap().page(0, 10, usize::MAX).is_err()));
}
