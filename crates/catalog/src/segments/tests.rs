use super::*;
use crate::cursors;

fn example(id: u64, family: Family) -> Segment {
    Segment {
        id,
        file: format!("{id:010}.seg"),
        family,
        records: 3,
        bytes: 4096,
        newest_s: 1_700_000_000,
        oldest_s: -5,
        first_position: 10,
        end_position: 20,
    }
}

#[tokio::test]
async fn segments_and_the_cursor_change_together() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).await.unwrap();

    let mut tx = catalog.begin().await.unwrap();
    insert(&mut tx, &example(1, Family::Live)).await.unwrap();
    insert(&mut tx, &example(2, Family::Imported)).await.unwrap();
    cursors::set(&mut tx, "event-history", 20).await.unwrap();
    drop(tx);
    assert_eq!(list(&catalog).await.unwrap(), []);

    let mut tx = catalog.begin().await.unwrap();
    insert(&mut tx, &example(1, Family::Live)).await.unwrap();
    insert(&mut tx, &example(2, Family::Imported)).await.unwrap();
    cursors::set(&mut tx, "event-history", 20).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(list(&catalog).await.unwrap(), [example(1, Family::Live), example(2, Family::Imported)]);

    let mut tx = catalog.begin().await.unwrap();
    remove(&mut tx, 1).await.unwrap();
    insert(&mut tx, &example(3, Family::Live)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(list(&catalog).await.unwrap(), [example(2, Family::Imported), example(3, Family::Live)]);
}
