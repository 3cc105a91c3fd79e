//! Sending: what goes out next, and to whom.
//!
//! Control messages come before data, as far as a participant does not get too many of them; then
//! the participants take turns by deficit round robin, and the sources of data within the share of
//! each, within the limit of the uplink. The choice is made as late as possible.

mod answer_turn;
pub(crate) mod answers;
pub(crate) mod control;
pub(crate) mod drr;
mod enqueue;
pub(crate) mod flow;
mod lane_turn;
mod lanes;
mod policy;
mod primary_turn;
mod queue;
pub(crate) mod receiver;
pub(crate) mod routes;
mod send_buffer;
mod shares;
mod source;
mod standing;
mod stream;
mod streams;
mod turn;
mod videos;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::ChannelId;
use tracing::{info, warn};

use crate::channels::channel::ChannelState;
use crate::channels::Channels;
use crate::class::Class;
use crate::config::SessionConfig;
use crate::counters::{DropReason, Traffic};
use crate::ids::{ParticipantId, StreamId};
use crate::message::{Message, QueuedBytes};
use crate::transmit::Transmit;
use primary_turn::{is_ready_for_control, PrimaryTurn};
use receiver::Receiver;
use routes::{Routes, RESYNC_DELAY};
use send_buffer::{SendBuffer, Uplink};
use shares::Shares;
use source::{Source, Woken};
use turn::{is_over, turn};
use videos::VideoNeed;

/// Time after which blocked sources are looked at again.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);
/// Times that a turn may hand its work over before the next call. Once is enough for all cases.
const FOLLOW_UPS: usize = 3;

/// The sending side of a session.
#[derive(Debug)]
pub(crate) struct Sender {
    routes: Routes,
    sources: Shares,
    next_control: ParticipantId,
    /// When blocked sources are to try again.
    retry_at: Option<Instant>,
    buffer: SendBuffer,
    queued: QueuedBytes,
    totals: SendTotals,
}

/// Counters of what was sent to all participants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SendTotals {
    pub(crate) sent: Traffic,
    pub(crate) streams_opened: u64,
    pub(crate) resyncs: u64,
}

impl Sender {
    pub(crate) fn new(config: Arc<SessionConfig>, now: Instant) -> Self {
        Self {
            sources: Shares::default(),
            next_control: ParticipantId(0),
            retry_at: None,
            buffer: SendBuffer::new(now, config.uplink_rate),
            queued: QueuedBytes::default(),
            totals: SendTotals::default(),
            routes: Routes::new(config),
        }
    }

    /// Sets the most bytes per second to all participants together.
    pub(crate) fn set_uplink_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.buffer.set_cap(now, rate);
        self.wake_at(now);
    }

    /// Sets the most bytes per second to each participant, those who are there and those who join.
    pub(crate) fn set_participant_rate(&mut self, now: Instant, rate: Option<u64>) {
        Arc::make_mut(&mut self.routes.config).participant_rate = rate;
        for receiver in self.routes.receivers.values_mut() {
            receiver.flow.set_cap(now, rate);
        }
        self.wake_at(now);
    }

    /// The routes to participants, to look at.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(crate) fn totals(&self) -> SendTotals {
        self.totals
    }

    /// Bytes of messages that wait in queues.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued.get()
    }

    pub(crate) fn suggested_buffer(&self) -> u64 {
        self.buffer.suggested()
    }

    /// Whether messages were dropped since the last call.
    pub(crate) fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.routes.dropped)
    }

    /// Whether a video may have broken since the last call, or a subscriber of one fell behind.
    pub(crate) fn take_video_broke(&mut self) -> bool {
        std::mem::take(&mut self.routes.video_broke)
    }

    /// Needs of those who watch videos, for the encoders, since the last call.
    pub(crate) fn video_needs(&mut self, channels: &Channels) -> Vec<VideoNeed> {
        videos::needs(&mut self.routes.receivers, channels)
    }

    pub(crate) fn knows(&self, id: ParticipantId) -> bool {
        self.routes.receivers.contains_key(&id)
    }

    pub(crate) fn participants(&self) -> Vec<ParticipantId> {
        self.routes.receivers.keys().copied().collect()
    }

    pub(crate) fn receiver(&self, id: ParticipantId) -> Option<&Receiver> {
        self.routes.receivers.get(&id)
    }

    pub(crate) fn receiver_mut(&mut self, id: ParticipantId) -> Option<&mut Receiver> {
        self.routes.receivers.get_mut(&id)
    }

    pub(crate) fn join(&mut self, now: Instant, id: ParticipantId) {
        self.routes.join(now, id);
    }

    /// Says of which group of equal rights a participant is.
    pub(crate) fn set_group(&mut self, id: ParticipantId, group: u128) {
        if let Some(receiver) = self.routes.receivers.get_mut(&id) {
            receiver.group = group;
        }
    }

    /// Removes a participant. Returns the channels that it subscribed to.
    pub(crate) fn leave(&mut self, id: ParticipantId) -> Vec<ChannelId> {
        self.routes.leave(id)
    }

    /// Gives a participant new streams. Returns the channels that it subscribes to, or `None` if it
    /// is unknown.
    pub(crate) fn resync(&mut self, now: Instant, id: ParticipantId) -> Option<Vec<ChannelId>> {
        let channels = self.routes.resync(now, id)?;
        self.totals.resyncs += 1;
        Some(channels)
    }

    /// Notes that a participant asks for a resync. Returns whether it is due now: it is not more
    /// often than that of a failed one.
    pub(crate) fn resync_requested(&mut self, now: Instant, id: ParticipantId) -> bool {
        let Some(receiver) = self.routes.receivers.get_mut(&id) else {
            return false;
        };
        info!(?id, "participant opened a new stream: resyncing it");
        receiver.flow.forget_acknowledgements();
        let due = receiver.synced_at + RESYNC_DELAY;
        if receiver.asked_for_resync && due > now {
            receiver.resync_at = Some(due);
            return false;
        }
        receiver.asked_for_resync = true;
        true
    }

    /// Participants whose resync is due.
    pub(crate) fn due_resyncs(&self, now: Instant) -> Vec<ParticipantId> {
        let receivers = self.routes.receivers.iter();
        receivers
            .filter(|(_, receiver)| receiver.resync_at.is_some_and(|at| at <= now))
            .map(|(&id, _)| id)
            .collect()
    }

    pub(crate) fn stream_failed(&mut self, now: Instant, stream: StreamId) {
        self.routes.stream_failed(now, stream);
    }

    /// Forgets all streams.
    pub(crate) fn connection_lost(&mut self) {
        self.routes.streams.clear();
    }

    pub(crate) fn add_channel(&mut self, id: ChannelId) {
        self.routes.channels.entry(id).or_default();
    }

    pub(crate) fn remove_channel(&mut self, id: ChannelId) {
        self.routes.remove_channel(id);
    }

    /// Ends a subscription. Returns whether there was one.
    pub(crate) fn unsubscribe(&mut self, channel: ChannelId, id: ParticipantId) -> bool {
        self.routes.unsubscribe(channel, id)
    }

    /// Queues a control message, if there is one. Too many in the queue resync the participant.
    pub(crate) fn push_control(&mut self, now: Instant, id: ParticipantId, frame: Option<Bytes>) {
        let (Some(receiver), Some(frame)) = (self.routes.receivers.get_mut(&id), frame) else {
            return;
        };
        if receiver.resync_at.is_some() {
            return;
        }
        if receiver.control.push(frame).is_err() {
            warn!(?id, "participant does not read its control messages");
            receiver.control.clear();
            self.routes.resync_later(now, id);
        }
    }

    /// Queues control messages that all participants share.
    pub(crate) fn push_shared(&mut self, id: ParticipantId, frames: Vec<Bytes>) {
        let receiver = self.routes.receivers.get_mut(&id);
        if let Some(receiver) = receiver.filter(|each| each.resync_at.is_none()) {
            for frame in frames {
                receiver.control.push_shared(frame);
            }
        }
    }

    /// Queues the robot's time, in place of an earlier one that still waits.
    pub(crate) fn push_time(&mut self, id: ParticipantId, time: u64) {
        if let Some(receiver) = self.routes.receivers.get_mut(&id) {
            if receiver.resync_at.is_none() {
                receiver.control.push_time(time);
            }
        }
    }

    /// Queues an answer. One that finds no room is replaced by `instead`.
    pub(crate) fn push_answer(
        &mut self,
        now: Instant,
        id: ParticipantId,
        frame: Bytes,
        instead: Option<Bytes>,
    ) {
        if frame.len() <= answers::SMALL {
            self.push_control(now, id, Some(frame));
            return;
        }
        let size = frame.len();
        let total = self.routes.answer_bytes;
        let Some(receiver) = self.routes.receivers.get_mut(&id) else {
            return;
        };
        if receiver.answers.push(frame, total) {
            self.routes.answer_bytes += size;
            self.routes.wake_answers(id);
        } else {
            self.push_control(now, id, instead);
        }
    }

    /// Lets the answers to a participant take turns, if there are any.
    pub(crate) fn wake_answers(&mut self, id: ParticipantId) {
        self.routes.wake_answers(id);
    }

    /// Queues a message for the subscribers of its channel.
    pub(crate) fn enqueue(&mut self, channel: &ChannelState, message: Message) {
        let ids = channel.subscribers.iter();
        enqueue::enqueue(&mut self.routes, &self.queued, channel, ids, message);
        self.keep_budget();
    }

    /// Queues the latched messages of a channel for one participant, in place of what waits.
    pub(crate) fn replay(&mut self, channel: &ChannelState, id: ParticipantId) {
        enqueue::replay(&mut self.routes, &self.queued, channel, id);
        self.keep_budget();
    }

    fn keep_budget(&mut self) {
        let budget = self.routes.config.queue_budget;
        let receivers = &mut self.routes.receivers;
        self.routes.dropped |= enqueue::keep_budget(receivers, &self.queued, budget);
    }

    /// Counts a message that no subscriber gets.
    pub(crate) fn count_drop(&mut self, channel: &ChannelState, reason: DropReason) {
        enqueue::count_drop(&mut self.routes, channel, reason);
    }

    /// Answers pings that were put off.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for receiver in self.routes.receivers.values_mut() {
            let pings = receiver.flow.late_pings(now);
            receiver.control.push_pongs(&pings);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let receivers = self.routes.receivers.values();
        let due = receivers.flat_map(|each| [each.resync_at, each.flow.late_pings_at()]);
        due.chain([self.retry_at]).flatten().min()
    }

    /// The next thing that the transport is to do. `clock_ms` is the robot's clock.
    pub(crate) fn next_transmit(
        &mut self,
        now: Instant,
        clock_ms: u64,
        channels: &Channels,
    ) -> Option<Transmit> {
        if self.routes.streams.is_idle() {
            self.choose(now, clock_ms, channels);
        }
        let transmit = self.routes.streams.poll();
        match &transmit {
            Some(Transmit::Write { data, .. }) => {
                self.buffer.on_sent(now, data.len());
                self.totals.sent.count(data.len());
            }
            Some(Transmit::Open { .. }) => self.totals.streams_opened += 1,
            Some(Transmit::Close { .. }) | None => {}
        }
        transmit
    }

    /// Chooses what is sent next.
    fn choose(&mut self, now: Instant, clock_ms: u64, channels: &Channels) {
        match self.buffer.uplink(now) {
            Uplink::Free => {
                if !self.send_control(now, clock_ms, channels) {
                    self.send_data(now, clock_ms, channels);
                }
            }
            Uplink::Urgent(ready_at) => {
                if !self.send_control(now, clock_ms, channels) {
                    self.wake_at(ready_at);
                }
            }
            Uplink::Busy(ready_at) => self.wake_at(ready_at),
        }
    }

    fn wake_at(&mut self, at: Instant) {
        self.retry_at = Some(self.retry_at.map_or(at, |retry| retry.min(at)));
    }

    /// Lets one participant send control messages, the participants in turn. Those who get too many
    /// take turns with data.
    fn send_control(&mut self, now: Instant, clock_ms: u64, channels: &Channels) -> bool {
        let routes = &self.routes;
        let ready = |(_, receiver): &(&ParticipantId, &Receiver)| {
            receiver.has_control_precedence(now) && is_ready_for_control(routes, receiver)
        };
        let next = routes
            .receivers
            .range(self.next_control..)
            .find(ready)
            .or_else(|| routes.receivers.iter().find(ready))
            .map(|(&id, _)| id);
        let Some(id) = next else {
            let waiting = routes.receivers.iter();
            let waiting = waiting.filter(|(_, each)| is_ready_for_control(routes, each));
            for (&id, _) in waiting {
                self.sources.insert(id, Source::Control(id), Class::Bulk);
            }
            return false;
        };
        self.next_control = ParticipantId(id.0.saturating_add(1));
        let turn = PrimaryTurn {
            routes: &mut self.routes,
            channels,
            now,
            clock_ms,
        };
        turn.of_control(id) > 0
    }

    fn send_data(&mut self, now: Instant, clock_ms: u64, channels: &Channels) {
        self.insert_woken();
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            let routes = &mut self.routes;
            self.sources.unpark(|wait| is_over(routes, now, wait));
        }
        for _ in 0..FOLLOW_UPS {
            let routes = &mut self.routes;
            routes.shared_by.clear();
            let sent = self
                .sources
                .run(|&source| turn(routes, channels, now, clock_ms, source));
            if let Some(sent) = sent {
                self.sources.split(sent, &self.routes.shared_by);
            }
            // A turn may have woken other sources, or handed its work over to them.
            let woken = self.insert_woken();
            if sent.is_some() || !woken {
                break;
            }
        }
        if self.sources.has_parked() {
            self.retry_at.get_or_insert(now + RETRY_INTERVAL);
        }
    }

    /// Lets the woken sources take turns. Returns whether there were any.
    fn insert_woken(&mut self) -> bool {
        let any = !self.routes.woken.is_empty();
        for woken in std::mem::take(&mut self.routes.woken) {
            let Woken { source, class, .. } = woken;
            let (payer, before) = self.routes.payer(woken);
            if let Some(before) = before {
                self.sources.remove(before, source);
            }
            self.sources.insert(payer, source, class);
        }
        any
    }
}
