use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use proptest::prelude::*;

use super::*;

fn batch(times: &[i64], first: i64) -> RecordBatch {
    let positions: Vec<i64> = (0..times.len() as i64).map(|at| first + at).collect();
    let columns: [(&str, ArrayRef); 2] = [
        (schema::EVENT_TIME, Arc::new(TimestampMicrosecondArray::from(times.to_vec()))),
        (schema::POSITION, Arc::new(Int64Array::from(positions))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

proptest! {
    /// All rows come out once, the newest first, in batches that are not too large.
    #[test]
    fn merging_sorts_and_loses_nothing(
        sources in proptest::collection::vec(proptest::collection::vec(0_i64..40, 0..60), 0..6),
        (cut, rows_max) in (1_usize..20, 1_usize..30),
    ) {
        let mut expected = Vec::new();
        let mut streams = Vec::new();
        for (number, mut times) in sources.into_iter().enumerate() {
            times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
            expected.extend(times.iter().copied());
            let first = number as i64 * 1_000;
            let batches: Vec<_> =
                times.chunks(cut).enumerate().map(|(at, times)| Ok(batch(times, first + (at * cut) as i64))).collect();
            streams.push(batches.into_iter());
        }
        expected.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        let mut merge = Merge::of(streams).unwrap();
        let (mut times, mut positions) = (Vec::new(), Vec::new());
        while let Some(batch) = merge.next(rows_max).unwrap() {
            prop_assert!((1..=rows_max).contains(&batch.num_rows()));
            times.extend_from_slice(batch.column(0).as_primitive::<TimestampMicrosecondType>().values());
            positions.extend_from_slice(batch.column(1).as_primitive::<arrow::datatypes::Int64Type>().values());
        }
        prop_assert_eq!(&times, &expected);
        positions.sort_unstable();
        positions.dedup();
        prop_assert_eq!(positions.len(), times.len());
    }
}
