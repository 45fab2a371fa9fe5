use super::*;

#[test]
fn bodies_take_room_until_there_is_none() {
    let room = Arc::new(Semaphore::new(10));
    let upload = || Upload { ahead: VecDeque::new(), trailers: None, rest: None, whole: None, room: None };
    let (mut first, mut second) = (upload(), upload());
    assert_eq!(first.take_room(4, &room), Ok(()));
    assert_eq!(first.take_room(4, &room), Ok(()));
    assert_eq!(second.take_room(3, &room), Err(Fault::Crowded));
    assert_eq!(second.take_room(2, &room), Ok(()));
    drop(first);
    assert_eq!(second.take_room(8, &room), Ok(()));
}
