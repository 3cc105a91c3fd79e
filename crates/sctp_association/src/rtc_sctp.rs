//! An association of the published crate `rtc-sctp`.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_sctp::{
    max_payload_size_for_mtu, AssociationError, AssociationHandle, ClientConfig, DatagramEvent,
    Endpoint, EndpointConfig, Event, PayloadProtocolIdentifier as Ppid, ReliabilityType,
    ServerConfig, StreamEvent, TimerConfig, TransportConfig,
};
use rtc_shared::TransportProtocol;

use super::account::{Accepted, Account};
use super::recovery::{CrateTimer, Recovery, Remedy};
use super::thin_acks::ThinAcks;
use super::wire::{causes_fit, data_chunks};
use super::{Message, Payload, Reliability, SctpAssociation, SctpError, SctpEvent, MAX_PACKET};

/// Bytes that the peer may have under way: 5 MiB, as browsers announce.
const RECEIVE_WINDOW: u32 = 5 << 20;
/// The size of messages is checked against what the peer takes before they come here.
const MAX_MESSAGE: u32 = 16 << 20;

/// The longest wait of the crate's first timer: its own minimum. Shorter waits would move the clock
/// while round trips are measured.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Timers of the crate.
const TIMERS: usize = 6;

pub(crate) struct Association {
    endpoint: Endpoint,
    handle: Option<AssociationHandle>,
    inner: Option<rtc_sctp::Association>,
    peer: SocketAddr,
    longest_wait: Duration,
    /// Timeouts of the crate by the time of the peer's last packet.
    timeouts: u64,
    /// Lead of the crate's clock over the real one; see [`Self::limit_wait`].
    skew: Duration,
    /// The handshake is done.
    connected: bool,
    /// The path that packets take, and whether they cannot get lost on it.
    path: Option<u32>,
    is_path_reliable: bool,
    /// Streams on which messages may be given up.
    limited: HashSet<u16>,
    /// When the last message with a lifetime is given up, by the crate's clock.
    lives_until: Option<Instant>,
    /// Packets to be sent once more.
    again: VecDeque<Bytes>,
    account: Account,
    recovery: Recovery,
    acks: ThinAcks,
    packets: VecDeque<Bytes>,
    events: VecDeque<SctpEvent>,
    closed: bool,
}

impl Association {
    /// Starts an association. While the peer is silent it tries again at least every `longest_wait`
    /// plus two round trips.
    pub(crate) fn new(client: bool, longest_wait: Duration, now: Instant) -> Self {
        // The crate wants addresses only to tell peers apart; here there is one.
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 5001));
        // ICE decides when a path is dead. SCTP keeps trying.
        let timers = TimerConfig {
            max_t1_init_retrans: usize::MAX,
            max_t1_cookie_retrans: usize::MAX,
            max_t2_shutdown_retrans: usize::MAX,
            max_t3_rtx_retrans: usize::MAX,
            max_reconfig_retrans: usize::MAX,
            max_ack_retrans: usize::MAX,
        };
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(RECEIVE_WINDOW)
            .with_max_message_size(MAX_MESSAGE)
            .with_timer_config(timers);
        let mut config = EndpointConfig::new();
        config.max_payload_size(max_payload_size_for_mtu(MAX_PACKET));
        let server = (!client).then(|| Arc::new(ServerConfig::new(transport.clone())));
        let mut endpoint = Endpoint::new(local, TransportProtocol::UDP, Arc::new(config), server);
        let mut association = if client {
            // Fails only with too many associations or without a port.
            endpoint
                .connect(now, ClientConfig::new(transport), peer)
                .ok()
        } else {
            None
        };
        let handle = association.as_ref().map(|(handle, _)| *handle);
        Self {
            endpoint,
            handle,
            inner: association.take().map(|(_, inner)| inner),
            peer,
            longest_wait,
            timeouts: 0,
            skew: Duration::ZERO,
            connected: false,
            path: None,
            is_path_reliable: false,
            limited: HashSet::new(),
            lives_until: None,
            again: VecDeque::new(),
            account: Account::default(),
            recovery: Recovery::default(),
            acks: ThinAcks::default(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
            closed: false,
        }
    }

    /// Moves the crate's clock forward if it would wait too long for a timer of the handshake. It
    /// doubles its wait after each loss, up to a minute, and has no option for the longest wait, but
    /// it believes any time it is told. Afterwards the clock runs evenly: round trips and lifetimes
    /// are measured with it, and [`Self::recover`] sees to what is lost.
    fn limit_wait(&mut self, now: Instant) {
        let Some(inner) = self.inner.as_ref().filter(|_| !self.connected) else {
            return;
        };
        let Some(deadline) = inner.poll_timeout() else {
            return;
        };
        let wait = deadline.saturating_duration_since(now + self.skew);
        self.skew += wait.saturating_sub(self.longest_wait.max(FIRST_WAIT));
    }

    /// When the oldest packet under way must be looked after.
    fn recovery_due(&self) -> Option<Instant> {
        match self.is_path_reliable && !self.recovery.is_path_new() {
            true => None,
            false => self.recovery.deadline(self.longest_wait),
        }
    }

    /// Sees to what is lost, or may be.
    fn recover(&mut self, now: Instant) {
        if self.recovery_due().is_none_or(|at| at > now) {
            return;
        }
        let Some(inner) = &mut self.inner else { return };
        let timer = match inner.stats().get_num_t3timeouts() > self.timeouts {
            _ if self.lives_until > Some(now + self.skew) => CrateTimer::MustWait,
            true => CrateTimer::Expired,
            false => CrateTimer::Running,
        };
        let mut remedy = self.recovery.remedy(timer, now);
        // While the path takes nothing, each probe is the same packet.
        let again = &self.again;
        remedy.resend.retain(|packet| !again.contains(packet));
        self.apply(remedy, now);
    }

    fn apply(&mut self, remedy: Remedy, now: Instant) {
        self.again.extend(remedy.resend);
        if remedy.time_out {
            self.expire_timer(now);
        }
    }

    /// Lets the crate's retransmission timer expire now. Only this call is told a later time: what
    /// comes after it is measured as ever.
    fn expire_timer(&mut self, now: Instant) {
        let Some(inner) = &mut self.inner else { return };
        let before = inner.stats().get_num_t3timeouts();
        for _ in 0..TIMERS {
            let Some(deadline) = inner.poll_timeout() else {
                break;
            };
            inner.handle_timeout(deadline.max(now + self.skew));
            if inner.stats().get_num_t3timeouts() > before {
                break;
            }
        }
    }

    /// Works through the crate's events.
    fn collect(&mut self, now: Instant) {
        let Some(inner) = &mut self.inner else { return };
        while let Some(event) = inner.poll() {
            match event {
                Event::Connected => {
                    self.connected = true;
                    self.events.push_back(SctpEvent::Connected);
                }
                Event::Stream(StreamEvent::Readable { id }) => read(inner, id, &mut self.events),
                Event::Stream(StreamEvent::BufferedAmountReleased { id, n_bytes }) => {
                    let bytes = self.account.release(id, n_bytes);
                    if bytes > 0 {
                        self.events.push_back(SctpEvent::Sent { stream: id, bytes });
                    }
                }
                // The crate reports the end of a stream under this name.
                Event::AssociationLost {
                    reason: AssociationError::Reset,
                    id,
                } => {
                    self.account.remove(id);
                    self.limited.remove(&id);
                    self.events.push_back(SctpEvent::StreamReset { stream: id });
                }
                Event::HandshakeFailed { reason } => {
                    log::warn!("SCTP handshake: {reason}");
                    self.closed = true;
                }
                _ => {}
            }
        }
        // Streams announced here were opened by the peer; they are found by their identifier.
        while inner.accept_stream().is_some() {}
        while let Some(event) = inner.poll_endpoint_event() {
            if let Some(handle) = self.handle {
                self.endpoint.handle_event(handle, event);
            }
        }
        // A server that has only answered the first packet also counts as closed.
        if self.closed || (inner.is_closed() && !inner.is_handshaking()) {
            self.closed = true;
            self.inner = None;
            self.events.push_back(SctpEvent::Closed);
        }
        self.limit_wait(now);
    }
}

impl SctpAssociation for Association {
    fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        if self.closed || !causes_fit(packet) {
            return;
        }
        let time = now + self.skew;
        let resend = self.recovery.received(packet, !self.is_path_reliable, now);
        self.again.extend(resend);
        self.acks.received(packet, now);
        let packet = self
            .recovery
            .for_crate(packet)
            .unwrap_or_else(|| Bytes::copy_from_slice(packet));
        match self.endpoint.handle(time, self.peer, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(inner))) if self.inner.is_none() => {
                self.endpoint.reject_new_associations();
                self.handle = Some(handle);
                self.inner = Some(inner);
            }
            Some((handle, DatagramEvent::AssociationEvent(event)))
                if self.handle == Some(handle) =>
            {
                if let Some(inner) = &mut self.inner {
                    inner.handle_event(event);
                    self.timeouts = inner.stats().get_num_t3timeouts();
                }
            }
            // A peer that starts at the same time as we do: our start is the one that counts.
            _ => {}
        }
        self.recover(now);
        self.collect(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(inner) = &mut self.inner {
            inner.handle_timeout(now + self.skew);
            self.recover(now);
            self.collect(now);
        }
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let deadline = self.inner.as_ref()?.poll_timeout();
        let deadline = deadline.map(|at| at.checked_sub(self.skew).unwrap_or(now));
        [deadline, self.recovery_due(), self.acks.due()]
            .into_iter()
            .flatten()
            .min()
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        if let Some(packet) = self.again.pop_front() {
            return Some(packet);
        }
        if self.packets.is_empty() {
            if let Some(inner) = &mut self.inner {
                while let Some(transmit) = inner.poll_transmit(now + self.skew) {
                    let rtc_sctp::Payload::RawEncode(packets) = transmit.message else {
                        continue;
                    };
                    let events = &mut self.events;
                    for packet in &packets {
                        self.account
                            .packet(packet, now + self.skew, |stream, bytes| {
                                events.push_back(SctpEvent::Sent { stream, bytes });
                            });
                    }
                    self.packets.extend(packets);
                }
                self.limit_wait(now);
            }
        }
        let packet = loop {
            let Some(packet) = self.packets.pop_front() else {
                break self.acks.take_due(now)?;
            };
            if self.recovery.forbids(&packet) {
                continue;
            }
            if let Some(packet) = self.acks.sending(packet, now) {
                break packet;
            }
        };
        let limited = data_chunks(&packet).any(|chunk| self.limited.contains(&chunk.stream));
        self.recovery.sent(&packet, limited, now);
        Some(packet)
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    fn send(&mut self, message: Message, now: Instant) -> Result<(), SctpError> {
        let failed = |error: rtc_shared::error::Error| SctpError(error.to_string());
        let Some(inner) = &mut self.inner else {
            return Err(SctpError("there is no association".to_owned()));
        };
        if inner.stream(message.stream).is_err() {
            inner
                .open_stream(message.stream, Ppid::Binary)
                .map_err(failed)?;
        }
        let mut stream = inner.stream(message.stream).map_err(failed)?;
        let (kind, value) = match message.reliability {
            Reliability::Reliable => (ReliabilityType::Reliable, 0),
            Reliability::MaxRetransmits(count) => (ReliabilityType::Rexmit, count),
            Reliability::MaxLifetime(millis) => (ReliabilityType::Timed, millis),
        };
        stream
            .set_reliability_params(!message.ordered, kind, value)
            .map_err(failed)?;
        let empty = matches!(message.payload, Payload::EmptyText | Payload::EmptyBinary);
        let data = if empty {
            Bytes::from_static(&[0])
        } else {
            message.data
        };
        stream
            .write_sctp(now + self.skew, &data, ppid(message.payload))
            .map_err(failed)?;
        let user = matches!(message.payload, Payload::Text | Payload::Binary);
        let lifetime = match message.reliability {
            // With none at all a message is sent once.
            Reliability::MaxLifetime(millis) if millis > 0 => Some(millis),
            _ => None,
        };
        let expires =
            lifetime.map(|millis| now + self.skew + Duration::from_millis(u64::from(millis)));
        self.lives_until = self.lives_until.max(expires);
        if message.reliability != Reliability::Reliable {
            self.limited.insert(message.stream);
        }
        let accepted = Accepted {
            user,
            ordered: message.ordered,
            expires,
            ..Accepted::new(data.len())
        };
        self.account.accept(message.stream, accepted);
        Ok(())
    }

    fn reset_stream(&mut self, stream: u16, now: Instant) {
        let Some(inner) = &mut self.inner else { return };
        if let Ok(mut stream) = inner.stream(stream) {
            if let Err(error) = stream.stop(now + self.skew) {
                log::debug!("stream reset: {error}");
            }
        }
    }

    fn has_room(&self, unsent: usize) -> bool {
        self.account.unsent() < unsent && !self.recovery.is_crowded()
    }

    fn set_path(&mut self, number: u32, reliable: bool, now: Instant) {
        if self.path == Some(number) {
            return;
        }
        let lives = self.lives_until > Some(now + self.skew);
        if reliable && self.recovery.is_under_way() && !lives {
            let remedy = self.recovery.time_out(now);
            self.apply(remedy, now);
            self.collect(now);
        }
        self.recovery.path_changed(now);
        self.path = Some(number);
        self.is_path_reliable = reliable;
    }

    fn abort(&mut self) {
        if let Some(inner) = &mut self.inner {
            if let Err(error) = inner.abort() {
                log::debug!("SCTP abort: {error}");
            }
        }
    }
}

/// Takes every complete message off a stream.
fn read(inner: &mut rtc_sctp::Association, id: u16, events: &mut VecDeque<SctpEvent>) {
    let Ok(mut stream) = inner.stream(id) else {
        return;
    };
    while let Ok(Some(chunks)) = stream.read_sctp() {
        let payload = match chunks.ppi {
            Ppid::Dcep => Payload::Dcep,
            Ppid::String => Payload::Text,
            Ppid::Binary => Payload::Binary,
            Ppid::StringEmpty => Payload::EmptyText,
            Ppid::BinaryEmpty => Payload::EmptyBinary,
            _ => continue,
        };
        match chunks.to_payload(usize::MAX) {
            Ok(data) => {
                events.push_back(SctpEvent::Message {
                    stream: id,
                    payload,
                    data: data.freeze(),
                });
            }
            Err(error) => log::debug!("SCTP message: {error}"),
        }
    }
}

fn ppid(payload: Payload) -> Ppid {
    match payload {
        Payload::Dcep => Ppid::Dcep,
        Payload::Text => Ppid::String,
        Payload::Binary => Ppid::Binary,
        Payload::EmptyText => Ppid::StringEmpty,
        Payload::EmptyBinary => Ppid::BinaryEmpty,
    }
}
