//! Subscriptions of clients, and latched messages for later ones.

use regex::Regex;

use super::{subscribed, unsubscribed, World};

#[test]
fn the_robot_has_one_subscription_while_any_client_has_one() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.subscribe(&a, 10, 1);
    assert_eq!(world.requests(), [subscribed(&[1])]);
    world.subscribe(&b, 20, 1);
    world.subscribe(&b, 21, 1);
    assert_eq!(world.requests(), []);
    a.items();
    b.items();
    world.data(1, 100);
    world.data(2, 101);
    assert_eq!(a.data(), [(10, 100)]);
    assert_eq!(b.data(), [(20, 100), (21, 100)]);
    world.unsubscribe(&b, 20);
    world.state.client_left(a.id);
    assert_eq!(world.requests(), []);
    world.data(1, 102);
    assert_eq!(b.data(), [(21, 102)]);
    world.state.client_left(b.id);
    assert_eq!(world.requests(), [unsubscribed(&[1])]);
}

#[test]
fn subscriptions_that_cannot_be_are_refused() {
    let mut world = World::with_robot();
    let client = world.client();
    client.items();
    world.subscribe(&client, 1, 99);
    world.subscribe(&client, 1, 1);
    world.subscribe(&client, 1, 2);
    assert_eq!(world.requests(), [subscribed(&[1])]);
    let texts = client.texts();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0]["message"], "there is no channel 99");
    assert_eq!(texts[1]["message"], "subscription 1 exists already");
}

#[test]
fn later_clients_get_latched_messages_from_here() {
    let mut world = World::with_robot();
    let (a, b, c) = (world.client(), world.client(), world.client());
    world.subscribe(&a, 1, 2);
    world.subscribe(&a, 2, 1);
    world.data(2, 100);
    world.data(2, 101);
    world.data(1, 102);
    world.subscribe(&b, 1, 2);
    world.subscribe(&b, 2, 1);
    assert_eq!(b.data(), [(1, 100), (1, 101)]);
    // After the last subscription the robot sends them anew.
    world.state.client_left(a.id);
    world.state.client_left(b.id);
    world.subscribe(&c, 1, 2);
    assert_eq!(c.data(), []);
    world.data(2, 101);
    assert_eq!(c.data(), [(1, 101)]);
    // And when it resyncs.
    world.introduce("session-1");
    let d = world.client();
    world.subscribe(&d, 1, 2);
    assert_eq!(d.data(), []);
    world.data(2, 101);
    assert_eq!((c.data(), d.data()), (vec![(1, 101)], vec![(1, 101)]));
}

#[test]
fn topics_can_be_watched_without_a_client() {
    let mut world = World::new();
    world.state.watch = vec![Regex::new("^/topic1$").unwrap()];
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    assert_eq!(world.requests(), [subscribed(&[1])]);
    let client = world.client();
    world.subscribe(&client, 1, 1);
    world.unsubscribe(&client, 1);
    assert_eq!(world.requests(), []);
    // After a resync the robot still has the subscription; a robot that returns has not.
    world.introduce("session-1");
    assert_eq!(world.requests(), []);
    world.state.robot_left("");
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    assert_eq!(world.requests(), [subscribed(&[1])]);
}
