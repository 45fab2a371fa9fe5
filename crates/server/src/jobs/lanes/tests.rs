use super::*;

#[test]
fn pauses_grow_to_a_minute_and_differ() {
    assert_eq!(pause(0, 0), Duration::from_millis(500));
    assert!(pause(0, 1023) > Duration::from_millis(990));
    assert_eq!(pause(3, 512), Duration::from_secs(6));
    for failures in [6, 31, 32, u32::MAX] {
        assert_eq!(pause(failures, 0), PAUSE_MAX / 2);
        assert!(pause(failures, u64::MAX) <= PAUSE_MAX);
    }
}
