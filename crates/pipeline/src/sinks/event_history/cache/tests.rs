use std::convert::Infallible;

use super::*;

/// Reads the blocks in turn through a cache of 100 bytes; tells which had to be read.
fn read(keys: &[(usize, usize)]) -> Vec<usize> {
    let cache = Cache::new(100);
    let mut read = Vec::new();
    for (number, bytes) in keys {
        let block = cache.get((1, *number), || {
            read.push(*number);
            Ok::<_, Infallible>((Vec::new(), *bytes))
        });
        block.unwrap();
        assert!(cache.bytes() <= 100);
    }
    read
}

#[test]
fn the_blocks_used_last_are_kept() {
    assert_eq!(read(&[(1, 40), (1, 40), (2, 40), (1, 40), (2, 40)]), [1, 2]);
    assert_eq!(read(&[(1, 40), (2, 40), (1, 40), (3, 40), (1, 40), (2, 40)]), [1, 2, 3, 2]);
    assert_eq!(read(&[(1, 40), (2, 200), (2, 200), (1, 40)]), [1, 2, 2, 1]);
}
