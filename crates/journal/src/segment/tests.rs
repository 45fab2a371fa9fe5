use super::*;

fn segment() -> Segment {
    let segment = Segment::new("x".into(), 100, 0, 50, 50);
    segment.extend(400_000, &[(101, 1_000), (150, 70_000), (200, 140_000), (201, 141_000)]);
    segment
}

#[test]
fn a_position_is_sought_from_the_nearest_mark_before_it() {
    let segment = segment();
    assert_eq!(segment.bytes(), 400_000);
    assert_eq!(segment.spot(100), (100, 50));
    assert_eq!(segment.spot(149), (100, 50), "marks are 64 KiB apart");
    assert_eq!(segment.spot(150), (150, 70_000));
    assert_eq!(segment.spot(900), (200, 140_000));
}

#[test]
fn a_reader_goes_on_where_it_stopped() {
    let segment = segment();
    segment.remember(&[], (180, 100_000));
    assert_eq!(segment.spot(180), (180, 100_000));
    assert_eq!(segment.spot(179), (150, 70_000));
    for position in 0..HINTS_MAX as u64 {
        segment.remember(&[], (300 + position, 200_000 + position));
    }
    assert_eq!(segment.spot(180), (150, 70_000), "the oldest place is forgotten");
}

#[test]
fn the_marks_grow_as_readers_pass() {
    let segment = Segment::new("x".into(), 0, 0, 50, 1 << 20);
    segment.remember(&[(10, 100_000), (20, 200_000)], (25, 250_000));
    segment.remember(&[(5, 60_000)], (6, 70_000));
    assert_eq!(segment.spot(24), (20, 200_000));
    assert_eq!(segment.spot(9), (6, 70_000));
}

#[test]
fn segments_are_found_by_position() {
    let of = |first| Arc::new(Segment::new("x".into(), first, 0, 0, 10));
    let segments = Segments::new([of(10), of(20), of(35)].into());
    let found = |from| segments.find(from).map(|(segment, next)| (segment.first, next));
    assert!(matches!(found(9), Err(Error::Trimmed { from: 9, first: 10 })));
    assert_eq!(found(10).unwrap(), (10, Some(20)));
    assert_eq!(found(34).unwrap(), (20, Some(35)));
    assert_eq!(found(99).unwrap(), (35, None));
    let Totals { segments, bytes } = segments.totals();
    assert_eq!((segments, bytes), (3, 30));
}
