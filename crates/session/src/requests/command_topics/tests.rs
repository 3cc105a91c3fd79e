use super::*;
use remote_access_protocol::ClientChannelId;

const SECOND: Duration = Duration::from_secs(1);

fn commands() -> CommandTopics {
    CommandTopics::new(NameRule::new(|topic| topic.ends_with("cmd_vel")), SECOND)
}

fn by(viewer: u64, channel: u32) -> ClientChannelKey {
    ClientChannelKey {
        participant: ParticipantId(viewer),
        channel: ClientChannelId(channel),
    }
}

#[test]
fn the_first_drives_until_it_falls_silent_and_one_stop_is_due() {
    let start = Instant::now();
    let mut commands = commands();
    commands.on_message(start, "/cmd_vel", by(1, 1));
    let other = commands.may_publish(start, "/cmd_vel", ParticipantId(2));
    assert_eq!(other, Err(Obstacle::DrivenBy(ParticipantId(1))));
    let later = start + SECOND / 2;
    let driver = commands.may_publish(later, "/cmd_vel", ParticipantId(1));
    assert_eq!(driver, Ok(()));
    commands.on_message(later, "/cmd_vel", by(1, 1));
    assert_eq!(commands.next_timeout(), Some(later + SECOND));
    assert_eq!(commands.on_timeout(start + SECOND), []);
    let released = commands.on_timeout(later + SECOND);
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].by, by(1, 1));
    assert_eq!(released[0].told, BTreeSet::from([ParticipantId(2)]));
    assert_eq!(commands.on_timeout(later + 9 * SECOND), []);
    assert_eq!(commands.next_timeout(), None);
    let other = commands.may_publish(later + 9 * SECOND, "/cmd_vel", ParticipantId(2));
    assert_eq!(other, Ok(()));
}

#[test]
fn whom_another_stopped_drives_again_after_it_has_let_go() {
    let start = Instant::now();
    let mut commands = commands();
    commands.on_message(start, "/cmd_vel", by(1, 1));
    let released = commands.stop(start, "/cmd_vel").unwrap();
    assert_eq!(released.by, by(1, 1));
    assert_eq!(commands.stop(start, "/cmd_vel"), None);
    let mut may = |tenths: u32, id| {
        let now = start + tenths * SECOND / 10;
        commands.may_publish(now, "/cmd_vel", ParticipantId(id))
    };
    // As long as it holds on, however long that is.
    for tenths in (0..30).step_by(5) {
        assert_eq!(may(tenths, 1), Err(Obstacle::Stopped), "{tenths}");
        assert_eq!(may(tenths, 2), Ok(()));
    }
    assert_eq!(may(35, 1), Ok(()));
    assert_eq!(commands.next_timeout(), Some(start + SECOND * 35 / 10));
    assert_eq!(commands.let_go(start + SECOND * 34 / 10), []);
    let let_go = commands.let_go(start + SECOND * 35 / 10);
    assert_eq!(let_go, [("/cmd_vel".to_owned(), ParticipantId(1))]);
    assert_eq!(commands.next_timeout(), None);
}

#[test]
fn a_wheel_that_was_handed_over_is_kept_for_who_asked_for_a_while() {
    let start = Instant::now();
    let mut commands = commands();
    let [first, second, third] = [1, 2, 3].map(ParticipantId);
    assert_eq!(commands.ask("/cmd_vel", second), Asked::Free);
    commands.on_message(start, "/cmd_vel", by(1, 1));
    assert_eq!(commands.ask("/cmd_vel", first), Asked::Free);
    assert_eq!(commands.answer("/cmd_vel", first), None);
    assert_eq!(commands.ask("/cmd_vel", second), Asked::Driver(first));
    assert_eq!(commands.ask("/cmd_vel", third), Asked::Before(second));
    assert_eq!(commands.answer("/cmd_vel", second), None, "not the driver");
    assert_eq!(commands.answer("/cmd_vel", first), Some(second));
    assert_eq!(commands.answer("/cmd_vel", first), None, "once");
    commands.hand_over(start, "/cmd_vel", second).unwrap();
    let mut may = |now, id| commands.may_publish(now, "/cmd_vel", id);
    let handed = Err(Obstacle::HandedTo(second));
    assert_eq!(may(start + SECOND, first), handed);
    assert_eq!(may(start + SECOND, third), handed);
    assert_eq!(may(start + PROMISE, third), Ok(()));
    assert_eq!(may(start + SECOND, second), Ok(()));
    assert_eq!(
        commands.let_go(start + 2 * SECOND),
        [],
        "it was told of the other"
    );
    let told = BTreeSet::from([first, third]);
    let lapsed = commands.lapsed(start + PROMISE);
    assert_eq!(lapsed, [("/cmd_vel".to_owned(), told)]);
    assert_eq!(commands.next_timeout(), None);
}

#[test]
fn the_channel_of_the_last_message_is_the_one_that_stops() {
    let now = Instant::now();
    let mut commands = commands();
    commands.on_message(now, "/cmd_vel", by(1, 1));
    commands.on_message(now, "/cmd_vel", by(1, 2));
    assert_eq!(commands.on_channel_gone(by(1, 1)), None);
    let released = commands.on_channel_gone(by(1, 2)).unwrap();
    assert_eq!(released.topic, "/cmd_vel");
    assert_eq!(commands.on_channel_gone(by(1, 2)), None);
}

#[test]
fn other_topics_are_nobodys() {
    let now = Instant::now();
    let mut commands = commands();
    commands.on_message(now, "/chat", by(1, 1));
    commands.on_message(now, "/chat", by(2, 1));
    assert_eq!(commands.drivers().count(), 0);
    assert_eq!(commands.on_channel_gone(by(1, 1)), None);
}
