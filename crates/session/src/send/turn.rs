//! Turns of the sources, each by its kind.

use std::time::Instant;

use super::answer_turn::answer_turn;
use super::drr::{Turn, Wait};
use super::lane_turn::LaneTurn;
use super::primary_turn::{is_ready_for_control, PrimaryTurn};
use super::routes::Routes;
use super::source::Source;
use crate::channels::Channels;
use crate::ids::{ParticipantId, StreamId};

/// Lets a source send a slice.
pub(crate) fn turn(
    routes: &mut Routes,
    channels: &Channels,
    now: Instant,
    clock_ms: u64,
    source: Source,
) -> Turn {
    let of_channel = |id| channels.get(id);
    match source {
        Source::Channel(id) => of_channel(id).map_or(Turn::Empty, |channel| {
            LaneTurn { routes, now, id }.of_those_who_share(channel)
        }),
        Source::Own(participant, id) => of_channel(id).map_or(Turn::Empty, |channel| {
            LaneTurn { routes, now, id }.of_one(channel, participant)
        }),
        Source::Participant(id) => PrimaryTurn {
            routes,
            channels,
            now,
            clock_ms,
        }
        .of_data(id),
        Source::Answers(id) => answer_turn(routes, now, id),
        Source::Control(id) => control_turn(routes, channels, now, clock_ms, id),
        Source::Finish(stream) => finish_turn(routes, now, stream),
    }
}

/// Sends a slice of control messages that do not go before data.
fn control_turn(
    routes: &mut Routes,
    channels: &Channels,
    now: Instant,
    clock_ms: u64,
    id: ParticipantId,
) -> Turn {
    let receiver = routes.receivers.get(&id);
    if !receiver.is_some_and(|receiver| is_ready_for_control(routes, receiver)) {
        return Turn::Empty;
    }
    let turn = PrimaryTurn {
        routes,
        channels,
        now,
        clock_ms,
    };
    match turn.of_control(id) {
        0 => Turn::Empty,
        sent => Turn::Sent(sent),
    }
}

/// Sends a slice of the frame that a retired stream still has to finish.
fn finish_turn(routes: &mut Routes, now: Instant, id: StreamId) -> Turn {
    let Some(stream) = routes.streams.get(id) else {
        return Turn::Empty;
    };
    let receivers = &routes.receivers;
    let mut destinations = stream.destinations.iter();
    if !destinations.any(|destination| receivers.contains_key(destination)) {
        routes.streams.close(id);
        return Turn::Empty;
    }
    let channel = stream.channel;
    channel.map_or(Turn::Empty, |channel| {
        let turn = LaneTurn {
            routes,
            now,
            id: channel,
        };
        turn.of_retired(id)
    })
}

/// Whether sources that wait for this are to try again.
pub(crate) fn is_over(routes: &mut Routes, now: Instant, wait: Wait) -> bool {
    let (Wait::Credit(id, _) | Wait::Arrival(id, _)) = wait else {
        return true;
    };
    let Some(receiver) = routes.receivers.get_mut(&id) else {
        return true;
    };
    receiver.update_standing(now);
    // One that keeps up shares lanes with the others again.
    !receiver.is_slow()
        || match wait {
            Wait::Retry => true,
            Wait::Credit(_, class) => receiver.flow.has_credit_for(now, class),
            Wait::Arrival(_, acked) => receiver.flow.acked() > acked,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SessionConfig;
    use std::time::Duration;

    #[test]
    fn one_that_is_served_apart_tries_again_when_more_has_arrived() {
        let now = Instant::now();
        let id = ParticipantId(1);
        let mut routes = Routes::new(SessionConfig::default().into());
        routes.join(now, id);
        let receiver = routes.receivers.get_mut(&id).unwrap();
        let stamp = receiver.flow.mark(now, 1);
        receiver.flow.on_ack(now, stamp);
        receiver.flow.on_sent(10_000_000);
        let stamp = receiver.flow.mark(now, 2);
        // The others wait for it longer than they have to.
        receiver.waits_in_group(now, f64::INFINITY);
        let later = now + Duration::from_millis(300);
        let wait = Wait::Arrival(id, receiver.flow.acked());
        assert!(!is_over(&mut routes, later, wait));
        let receiver = routes.receivers.get_mut(&id).unwrap();
        receiver.flow.on_ack(later, stamp);
        assert!(is_over(&mut routes, later, wait));
        assert!(routes.receivers[&id].is_slow());
    }
}
