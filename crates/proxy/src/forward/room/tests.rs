use super::*;

fn share(room: &Arc<Room>, client: &str) -> Share {
    Share::of(room, client.parse().unwrap())
}

#[test]
fn no_client_takes_more_than_is_left_to_others() {
    let room = Room::new(90);
    let mut first = share(&room, "192.0.2.1");
    assert!(first.take(40));
    assert!(!first.take(6), "46 would be taken and 44 left");
    assert!(!share(&room, "192.0.2.1").take(6), "another call of the same client");
    assert!(!share(&room, "::ffff:192.0.2.1").take(6), "and one that writes its address otherwise");
    assert!(first.take(5));
    let mut second = share(&room, "192.0.2.2");
    assert!(second.take(20) && !second.take(5));
    let mut third = share(&room, "192.0.2.3");
    assert!(third.take(12), "a newcomer finds some");
    drop(first);
    assert!(second.take(5));
    drop((second, third));
    assert!(share(&room, "192.0.2.3").take(45));
    let state = room.state();
    assert_eq!((state.free, state.taken.len()), (90, 0), "all of it comes back");
}

#[test]
fn a_network_of_ipv6_is_one_client() {
    let room = Room::new(90);
    let mut first = share(&room, "2001:db8::1");
    assert!(first.take(45));
    assert!(!share(&room, "2001:db8::2:2").take(1));
    assert!(share(&room, "2001:db8:0:1::1").take(22));
    assert!(!share(&room, "2001:db8::1").take(usize::MAX), "more than there is");
}

#[test]
fn who_takes_nothing_is_not_noted() {
    let room = Room::new(100);
    let mut share = Share::of(&room, "192.0.2.1".parse().unwrap());
    assert!(share.take(0));
    drop(share);
    assert!(room.state().taken.is_empty());
}
