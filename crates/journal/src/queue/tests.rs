use super::*;

fn entry(ledger: &str) -> Entry {
    let (ledger, payload) = (ledger.to_owned().into(), Bytes::from_static(b"x"));
    Entry { kind: Kind::Event, ledger, origin: 0, flags: 0, principal: Bytes::new(), payload }
}

#[test]
fn one_ledger_too_many_is_refused_and_the_known_ones_go_on() {
    let numbers = (0..LEDGERS_MAX - 1).map(|number| (number.to_string().into(), number)).collect();
    let queue = Queue::new(1 << 20, 40, numbers);
    let refused = queue.enqueue(None, vec![entry("0"), entry("last"), entry("too many")]);
    assert_eq!(refused.positions(), 40..40);
    assert!(matches!(refused.wait(), Err(Error::TooManyLedgers { max: LEDGERS_MAX })));
    let taken = queue.enqueue(None, vec![entry("7"), entry("7"), entry("last")]);
    assert_eq!(taken.positions(), 40..43);
    let batches = queue.take(1).unwrap();
    assert_eq!(batches[0].ledgers, [7, 7, LEDGERS_MAX - 1]);
}

#[test]
fn batches_are_taken_in_order_and_whole() {
    let queue = Queue::new(1 << 20, 0, HashMap::new());
    let each = entry("ledger").bytes();
    let tickets: Vec<_> = (1..=4).map(|count| queue.enqueue(None, vec![entry("ledger"); count])).collect();
    let take = |bytes_max| queue.take(bytes_max).unwrap().iter().map(|batch| batch.entries.len()).collect::<Vec<_>>();
    assert_eq!(take(each * 3), [1, 2]);
    assert_eq!(take(1), [3], "one is taken though it is larger than a group should be");
    queue.close();
    assert_eq!(take(usize::MAX), [4], "what is in line is written before the end");
    assert!(queue.take(1).is_none());
    assert_eq!(tickets[3].positions(), 6..10);
}

#[test]
fn what_nobody_waits_for_is_written_together_with_what_comes_meanwhile() {
    let queue = Arc::new(Queue::new(1 << 20, 0, HashMap::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let permit = || runtime.block_on(queue.reserve(100, Kind::Event, Duration::ZERO)).unwrap();
    queue.enqueue(Some(permit().unhurried()), vec![entry("ledger")]);
    queue.enqueue(Some(permit().unhurried()), vec![entry("ledger")]);
    assert!(!queue.lock().hurried);
    assert_eq!(queue.take(usize::MAX).unwrap().len(), 2, "their time is over");
    queue.enqueue(Some(permit().unhurried()), vec![entry("ledger")]);
    queue.enqueue(Some(permit()), vec![entry("ledger")]);
    assert!(queue.lock().hurried, "somebody waits");
    let each = entry("ledger").bytes();
    assert_eq!(queue.take(each).unwrap().len(), 1);
    assert!(queue.lock().hurried, "and still does");
    assert_eq!(queue.take(each).unwrap().len(), 1);
    let state = queue.lock();
    assert!(!state.hurried && state.bytes == 0);
    drop(state);
    queue.enqueue(Some(permit().unhurried()), vec![entry("ledger")]);
    queue.close();
    assert_eq!(queue.take(1).unwrap().len(), 1, "it is written before the end");
    assert!(queue.take(1).is_none());
}
