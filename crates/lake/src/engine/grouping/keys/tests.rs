use std::collections::HashMap;

use arrow::array::{AsArray as _, StringViewBuilder};
use arrow::compute::{concat, take};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Texts that share their first bytes and exceed a view's twelve, and others.
const WORDS: [&str; 6] = ["", "a", "twelve bytes", "twelve bytes and more", "twelve bytes and others", "GetObject"];

/// Rows that point into one dictionary, as files are read.
fn column(choices: &[Option<usize>], salt: usize) -> StringViewArray {
    let words = WORDS.map(|word| if word.len() > 12 { format!("{word} {}", salt % 3) } else { word.to_owned() });
    let dictionary: ArrayRef = Arc::new(words.iter().map(Some).collect::<StringViewArray>());
    let rows: arrow::array::UInt32Array = choices.iter().map(|choice| choice.map(|at| at as u32)).collect();
    take(&dictionary, &rows, None).unwrap().as_string_view().clone()
}

proptest! {
    #[test]
    fn each_row_is_in_the_group_of_its_texts(
        batches in vec(vec((option::of(0..6_usize), option::of(0..6_usize)), 0..40), 1..6),
        columns in 1..=2_usize,
    ) {
        let mut keys = Keys::new(columns);
        let mut numbers = HashMap::new();
        let mut groups = Vec::new();
        for (salt, rows) in batches.iter().enumerate() {
            let first = column(&rows.iter().map(|row| row.0).collect::<Vec<_>>(), salt);
            let second = column(&rows.iter().map(|row| row.1).collect::<Vec<_>>(), salt);
            keys.number(&[&first, &second][..columns], &mut groups);
            prop_assert_eq!(groups.len(), rows.len());
            for (row, group) in groups.iter().enumerate() {
                let text = |array: &StringViewArray| array.is_valid(row).then(|| array.value(row).to_owned());
                let key = (text(&first), if columns == 2 { text(&second) } else { None });
                let next = numbers.len();
                prop_assert_eq!(*numbers.entry(key).or_insert(next), *group);
            }
        }
        prop_assert_eq!(keys.len(), numbers.len());
        let arrays = keys.take();
        for (key, number) in &numbers {
            let text = |array: &ArrayRef| {
                let array = array.as_string_view();
                array.is_valid(*number).then(|| array.value(*number).to_owned())
            };
            prop_assert_eq!(&key.0, &text(&arrays[0]));
            if columns == 2 {
                prop_assert_eq!(&key.1, &text(&arrays[1]));
            }
        }
        prop_assert_eq!((keys.len(), keys.bytes()), (0, 0));
    }
}

#[test]
fn a_view_is_not_trusted_in_other_buffers() {
    let text = |word: &str| {
        let mut builder = StringViewBuilder::new();
        builder.append_value(word);
        builder.finish()
    };
    let (first, second) = (text("the same start, this"), text("the same start, that"));
    assert_eq!(first.views()[0], second.views()[0]);
    let mut keys = Keys::new(1);
    let mut groups = Vec::new();
    let mut seen = Vec::new();
    for array in [&first, &second, &first] {
        keys.number(&[array], &mut groups);
        seen.extend_from_slice(&groups);
    }
    assert_eq!(seen, [0, 1, 0]);
    let both = concat(&[&first, &second]).unwrap();
    assert_eq!(&keys.take()[0], &both);
}
