//! The published crate `sctp-proto`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use link_sim::{Delivery, Endpoint, Event, Outgoing};
use sctp_association::{Accepted, Account, MAX_PACKET};
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, EndpointConfig, Payload,
    PayloadProtocolIdentifier as Ppid, ReliabilityType, ServerConfig, TransportConfig,
};

/// Bytes of headers in a packet with one chunk of data.
const HEADERS: u32 = 12 + 16;

/// An association of `sctp-proto`.
pub struct SctpProto {
    endpoint: sctp_proto::Endpoint,
    handle: Option<AssociationHandle>,
    inner: Option<Association>,
    peer: SocketAddr,
    account: Account,
    buffered: BTreeMap<u16, usize>,
    streams: BTreeSet<u16>,
    packets: VecDeque<Bytes>,
    events: VecDeque<Event>,
}

impl SctpProto {
    /// With the limits off and the longest retransmission wait at a second.
    pub fn new(client: bool, _now: Instant) -> Self {
        let transport = Arc::new(
            TransportConfig::default()
                .with_max_receive_buffer_size(5 << 20)
                .with_max_init_retransmits(None)
                .with_max_data_retransmits(None)
                .with_rto_max_ms(1_000),
        );
        let mut config = EndpointConfig::default();
        config.max_payload_size((MAX_PACKET - HEADERS) & !3);
        let mut server = ServerConfig::default();
        server.transport = transport.clone();
        let mut endpoint = sctp_proto::Endpoint::new(Arc::new(config), Some(Arc::new(server)));
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        let mut client_config = ClientConfig::default();
        client_config.transport = transport;
        let connected = client.then(|| endpoint.connect(client_config, peer));
        let (handle, inner) = match connected {
            Some(Ok((handle, inner))) => (Some(handle), Some(inner)),
            Some(Err(error)) => panic!("{error}"),
            None => (None, None),
        };
        Self {
            endpoint,
            handle,
            inner,
            peer,
            account: Account::default(),
            buffered: BTreeMap::new(),
            streams: BTreeSet::new(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    fn collect(&mut self) {
        let (Some(inner), Some(handle)) = (&mut self.inner, self.handle) else {
            return;
        };
        while let Some(event) = inner.poll() {
            match event {
                sctp_proto::Event::Connected => self.events.push_back(Event::Connected),
                sctp_proto::Event::AssociationLost { .. } => self.events.push_back(Event::Closed),
                _ => {}
            }
        }
        while let Some(stream) = inner.accept_stream() {
            self.streams.insert(stream.stream_identifier());
        }
        for &id in &self.streams {
            let Ok(mut stream) = inner.stream(id) else {
                continue;
            };
            while let Ok(Some(chunks)) = stream.read_sctp() {
                let mut data = vec![0; chunks.len()];
                if chunks.read(&mut data).is_ok() {
                    self.events.push_back(Event::Message {
                        stream: id,
                        data: data.into(),
                    });
                }
            }
        }
        while let Some(event) = inner.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(handle, event) {
                inner.handle_event(event);
            }
        }
    }

    fn queue(&mut self, transmit: sctp_proto::Transmit) {
        if let Payload::RawEncode(packets) = transmit.payload {
            self.packets.extend(packets);
        }
    }
}

impl Endpoint for SctpProto {
    fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        let packet = Bytes::copy_from_slice(packet);
        match self.endpoint.handle(now, self.peer, None, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(inner))) if self.inner.is_none() => {
                self.handle = Some(handle);
                self.inner = Some(inner);
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some(inner) = &mut self.inner {
                    inner.handle_event(event);
                }
            }
            _ => {}
        }
        self.collect();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(inner) = &mut self.inner {
            inner.handle_timeout(now);
            self.collect();
        }
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        self.inner.as_ref()?.poll_timeout()
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        if self.packets.is_empty() {
            while let Some(transmit) = self.endpoint.poll_transmit() {
                self.queue(transmit);
            }
            while let Some(transmit) = self
                .inner
                .as_mut()
                .and_then(|inner| inner.poll_transmit(now))
            {
                self.queue(transmit);
            }
        }
        let packet = self.packets.pop_front()?;
        let buffered = &mut self.buffered;
        self.account.packet(&packet, now, |stream, bytes| {
            *buffered.entry(stream).or_default() -= bytes;
        });
        Some(packet)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn send(&mut self, message: Outgoing, _now: Instant) {
        let Some(inner) = &mut self.inner else { return };
        if self.streams.insert(message.stream) {
            if let Err(error) = inner.open_stream(message.stream, Ppid::Binary) {
                panic!("{error}");
            }
        }
        let sent = inner.stream(message.stream).and_then(|mut stream| {
            if message.delivery == Delivery::Lossy {
                stream.set_reliability_params(true, ReliabilityType::Rexmit, 0)?;
            }
            stream.write_with_ppi(&message.data, Ppid::Binary)
        });
        match sent {
            Ok(_) => {
                let bytes = message.data.len();
                let accepted = Accepted {
                    ordered: message.delivery == Delivery::Reliable,
                    ..Accepted::new(bytes)
                };
                self.account.accept(message.stream, accepted);
                *self.buffered.entry(message.stream).or_default() += bytes;
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn buffered(&self, stream: u16) -> usize {
        self.buffered.get(&stream).copied().unwrap_or(0)
    }
}
