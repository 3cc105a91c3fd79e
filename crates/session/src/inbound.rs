//! What comes from participants: their streams, frames and requests.

use std::time::Instant;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{Frame, FrameDecoder, FrameError, MAX_PAYLOAD_SIZE};
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ChannelId;
use tracing::{debug, info, warn};

use super::status::status;
use super::{Event, InboundId, ParticipantId, Session, RESTART_DELAY};

/// Bytes of incomplete frames that one participant may have waiting in all its streams.
const MAX_BUFFERED: usize = MAX_PAYLOAD_SIZE + 64 * 1024;

/// A stream from a participant.
#[derive(Debug)]
pub(super) struct InboundStream {
    participant: ParticipantId,
    decoder: FrameDecoder,
}

/// Why a stream from a participant must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InboundError {
    /// The bytes are not frames of the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The participant sends too many bytes per second.
    #[error("too many bytes per second")]
    TooFast,
    /// The participant has too many bytes of incomplete frames waiting.
    #[error("too many bytes of incomplete frames")]
    TooMuch,
    /// All participants together have too many bytes of incomplete frames waiting.
    #[error("too many bytes of incomplete frames from all participants together")]
    NoMemory,
    /// The participant or the stream is not known (any more).
    #[error("the participant or its stream is unknown")]
    Unknown,
    /// The participant has too many streams open.
    #[error("too many open streams")]
    TooManyStreams,
}

impl Session {
    /// A participant opened a stream to the robot.
    ///
    /// `many_streams` is what it declares about streams in the other direction. A participant
    /// that closed all its streams before it opens one asks to be started anew.
    pub fn inbound_opened(
        &mut self,
        now: Instant,
        id: ParticipantId,
        inbound: InboundId,
        many_streams: bool,
    ) -> Result<(), InboundError> {
        let limit = self.config.max_inbound_streams;
        let participant = self
            .participants
            .get_mut(&id)
            .ok_or(InboundError::Unknown)?;
        if participant.inbound.len() >= limit {
            self.totals.inbound_errors += 1;
            return Err(InboundError::TooManyStreams);
        }
        let wants_resync = participant.spoke && participant.inbound.is_empty();
        participant.spoke = true;
        if participant.inbound.is_empty() {
            participant.many_streams = many_streams;
        }
        participant.inbound.insert(inbound);
        let stream = InboundStream {
            participant: id,
            decoder: FrameDecoder::default(),
        };
        self.inbound.insert(inbound, stream);
        if wants_resync {
            self.resync_requested(now, id);
        }
        Ok(())
    }

    /// Starts a participant anew that asks for it, but not more often than a failed one.
    fn resync_requested(&mut self, now: Instant, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        info!(?id, "participant opened a new stream: starting it anew");
        participant.flow.forget_acknowledgements();
        let due = participant.restarted_at + RESTART_DELAY;
        if participant.resynced && due > now {
            participant.restart_at = Some(due);
        } else {
            participant.resynced = true;
            self.resync(now, id);
        }
    }

    /// Bytes arrived on a stream. After an error the stream is forgotten and must be ended.
    pub fn inbound_bytes(
        &mut self,
        now: Instant,
        inbound: InboundId,
        bytes: &[u8],
    ) -> Result<(), InboundError> {
        let stream = self
            .inbound
            .get_mut(&inbound)
            .ok_or(InboundError::Unknown)?;
        let id = stream.participant;
        let size = bytes.len();
        self.totals.received_bytes += size as u64;
        let within_rate = self.participants.get_mut(&id).is_none_or(|participant| {
            participant.counters.received_bytes += size as u64;
            participant.flow.on_heard(now);
            participant.inbound_rate.take(now, size as f64)
        });
        let result = if within_rate {
            self.inbound_bytes -= stream.decoder.buffered();
            stream.decoder.push(bytes);
            self.inbound_bytes += stream.decoder.buffered();
            self.drain_frames(now, id, inbound)
        } else {
            Err(InboundError::TooFast)
        };
        if let Err(error) = result {
            warn!(?id, %error, "ending a stream from a participant");
            self.totals.inbound_errors += 1;
            self.inbound_closed(inbound);
        }
        result
    }

    /// A stream from a participant has ended.
    pub fn inbound_closed(&mut self, inbound: InboundId) {
        let Some(stream) = self.inbound.remove(&inbound) else {
            return;
        };
        self.inbound_bytes -= stream.decoder.buffered();
        if let Some(participant) = self.participants.get_mut(&stream.participant) {
            participant.inbound.remove(&inbound);
        }
    }

    fn drain_frames(
        &mut self,
        now: Instant,
        id: ParticipantId,
        inbound: InboundId,
    ) -> Result<(), InboundError> {
        while let Some(stream) = self.inbound.get_mut(&inbound) {
            let before = stream.decoder.buffered();
            let frame = stream.decoder.next_frame();
            self.inbound_bytes -= before - stream.decoder.buffered();
            let Some(frame) = frame? else {
                break;
            };
            self.handle_frame(now, id, frame);
        }
        let buffered: usize = self
            .participants
            .get(&id)
            .into_iter()
            .flat_map(|participant| &participant.inbound)
            .filter_map(|stream| self.inbound.get(stream))
            .map(|stream| stream.decoder.buffered())
            .sum();
        if buffered > MAX_BUFFERED {
            return Err(InboundError::TooMuch);
        }
        if self.inbound_bytes > self.config.inbound_budget {
            return Err(InboundError::NoMemory);
        }
        Ok(())
    }

    fn handle_frame(&mut self, now: Instant, id: ParticipantId, frame: Frame) {
        match ClientMessage::parse(frame) {
            Ok(ClientMessage::Subscribe(channels)) => self.subscribe(now, id, &channels),
            Ok(ClientMessage::Unsubscribe(channels)) => self.unsubscribe(now, id, &channels),
            Ok(ClientMessage::Ping { timestamp }) => {
                let flow = self.participants.get(&id).map(|p| &p.flow);
                if flow.is_some_and(|flow| flow.is_broken(now)) {
                    warn!(
                        ?id,
                        "participant pings and acknowledges nothing: it must have missed something, \
                         starting it anew"
                    );
                    self.resync(now, id);
                }
                if let Some(participant) = self.participants.get_mut(&id) {
                    let pings = participant.flow.ping(now, timestamp);
                    participant.control.push_pongs(&pings);
                }
            }
            Ok(ClientMessage::PingAck { device_timestamp }) => {
                if let Some(participant) = self.participants.get_mut(&id) {
                    participant.flow.on_ack(now, device_timestamp);
                }
            }
            Ok(request) => self.with_requests(now, |requests| requests.handle(now, id, request)),
            Err(error) => debug!(?id, %error, "skipping a message"),
        }
    }

    fn subscribe(&mut self, now: Instant, id: ParticipantId, channels: &[ChannelId]) {
        for &channel in channels {
            let (true, Some(participant)) = (
                self.channels.contains_key(&channel),
                self.participants.get(&id),
            ) else {
                debug!(?id, %channel, "subscription to an unknown channel ignored");
                continue;
            };
            if participant.subscriptions.contains_key(&channel) {
                debug!(?id, %channel, "participant is subscribed already");
                continue;
            }
            let own = participant.subscriptions.len();
            let all = self.participants.values().map(|p| p.subscriptions.len());
            if let Some(text) = self.config.too_many_subscriptions(own, all.sum()) {
                debug!(?id, text, "subscription refused");
                self.totals.refused_subscriptions += 1;
                let frame = status(StatusLevel::Error, text, "subscriptions".to_owned());
                self.push_control(now, id, frame);
                return;
            }
            let (Some(state), Some(participant)) = (
                self.channels.get_mut(&channel),
                self.participants.get_mut(&id),
            ) else {
                continue;
            };
            participant.subscribe(now, channel);
            let first = state.subscribers.is_empty();
            state.subscribers.insert(id);
            debug!(?id, %channel, topic = state.info.channel.topic, "subscribed");
            if first {
                self.events.push_back(Event::Subscribe(channel));
            } else {
                self.replay(now, channel, id);
            }
        }
    }

    fn unsubscribe(&mut self, now: Instant, id: ParticipantId, channels: &[ChannelId]) {
        for &channel in channels {
            let Some(participant) = self.participants.get_mut(&id) else {
                return;
            };
            let Some(subscription) = participant.unsubscribe(channel) else {
                debug!(?id, %channel, "participant is not subscribed");
                continue;
            };
            self.keep_drops(channel, &subscription);
            let withdrawal = subscription.drops.withdrawal(channel);
            self.push_control(now, id, withdrawal);
            self.retire_lanes_of(channel, id);
            self.forget_subscriber(channel, id);
        }
    }
}
