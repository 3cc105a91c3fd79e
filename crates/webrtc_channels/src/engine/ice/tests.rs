//! Checks, candidates and packets of any kind, without a network.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "0123456789012345678901";

fn at(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn found(candidate: Candidate) -> Found {
    Found {
        candidate,
        preference: 1,
        server: None,
    }
}

fn credentials(ufrag: &str) -> IceCreds {
    IceCreds {
        ufrag: ufrag.to_owned(),
        pass: PASSWORD.to_owned(),
    }
}

fn agent(ours: &str, theirs: &str, port: u16, controlling: bool, now: Instant) -> Ice {
    let mut ice = Ice::new(credentials(ours), now);
    ice.add_local(found(Candidate::host(at(port), "udp").unwrap()));
    ice.set_remote_credentials(credentials(theirs), controlling);
    ice
}

/// A check that one agent sends the other.
fn check(now: Instant) -> (Ice, Vec<u8>) {
    let mut sender = agent("one", "two", 1, true, now);
    sender.add_remote("candidate:1 1 udp 1 192.0.2.1 2 typ host");
    sender.handle_timeout(now + PACING);
    let (_, packet) = sender.poll_transmit(now).unwrap();
    (agent("two", "one", 2, false, now), packet)
}

fn path() -> Path {
    Path {
        proto: Protocol::Udp,
        local: at(2),
        remote: at(1),
    }
}

#[test]
fn checks_from_any_number_of_addresses_make_no_more_candidates_than_allowed() {
    let now = Instant::now();
    let (mut receiver, packet) = check(now);
    for port in 1_000..3_000 {
        let path = Path {
            remote: at(port),
            ..path()
        };
        receiver.handle_packet(&packet, path, now);
        while receiver.poll_transmit(now).is_some() {}
    }
    assert_eq!(receiver.agent.remote_candidates().count(), MAX_REMOTE);
}

#[test]
fn a_check_is_answered_and_a_forged_one_is_not() {
    let now = Instant::now();
    let (mut receiver, mut packet) = check(now);
    receiver.handle_packet(&packet, path(), now);
    assert!(receiver.poll_transmit(now).is_some());
    let (mut receiver, _) = check(now);
    let last = packet.len() - 1;
    packet[last - 8] ^= 1;
    receiver.handle_packet(&packet, path(), now);
    assert!(receiver.poll_transmit(now).is_none());
}

#[test]
fn the_policy_decides_what_is_told() {
    let now = Instant::now();
    let mut ice = Ice::new(credentials("x"), now);
    let host = || Candidate::host(at(1), "udp").unwrap();
    ice.set_policy(IceTransportsType::NoHost);
    assert_eq!(ice.add_local(found(host())), None);
    let mapped = Candidate::server_reflexive(at(9), at(1), "udp").unwrap();
    assert!(ice.add_local(found(mapped)).unwrap().contains("srflx"));
    ice.set_policy(IceTransportsType::Relay);
    assert!(ice.local_candidates().is_empty());
    ice.set_policy(IceTransportsType::All);
    assert_eq!(ice.local_candidates().len(), 2);
    ice.remove_local(&host());
    assert_eq!(ice.local_candidates().len(), 1);
    // A restart keeps what works.
    assert!(ice.set_local_credentials(credentials("y"), now));
    assert!(ice.local_candidates()[0].contains("ufrag y"));
}

#[test]
fn a_peer_cannot_make_it_keep_candidates_without_end() {
    let mut ice = agent("one", "two", 1, true, Instant::now());
    for port in 1..1000 {
        ice.add_remote(&format!("candidate:1 1 udp 1 192.0.2.7 {port} typ host"));
    }
    assert_eq!(ice.agent.remote_candidates().count(), MAX_REMOTE);
}

const MS: Duration = Duration::from_millis(1);
/// One way.
const DELAY: Duration = Duration::from_millis(20);

fn host(last: u8, preference: u32) -> Found {
    let address = SocketAddr::from(([192, 0, 2, last], 1));
    Found {
        candidate: Candidate::host(address, "udp").unwrap(),
        preference,
        server: None,
    }
}

/// Two agents over a network of which addresses can fall silent. The first one has two addresses,
/// controls, and sends data that the other answers.
struct Network {
    ends: [Ice; 2],
    wire: Vec<(Instant, usize, Path, Vec<u8>)>,
    now: Instant,
    silent: Vec<SocketAddr>,
    states: Vec<IceConnectionState>,
}

impl Network {
    fn new() -> Self {
        let now = Instant::now();
        let mut ends = [
            Ice::new(credentials("one"), now),
            Ice::new(credentials("two"), now),
        ];
        ends[0].set_remote_credentials(credentials("two"), true);
        ends[1].set_remote_credentials(credentials("one"), false);
        let mut lines = vec![ends[0].add_local(host(1, 20)).unwrap()];
        lines.push(ends[0].add_local(host(2, 10)).unwrap());
        let line = ends[1].add_local(host(9, 10)).unwrap();
        ends[0].add_remote(&line);
        for line in lines {
            ends[1].add_remote(&line);
        }
        let mut network = Self {
            ends,
            wire: Vec::new(),
            now,
            silent: Vec::new(),
            states: Vec::new(),
        };
        network.run(1000);
        assert_eq!(network.path(), Some([192, 0, 2, 1].into()));
        network
    }

    fn path(&self) -> Option<std::net::IpAddr> {
        self.ends[0].path().map(|path| path.local.ip())
    }

    fn run(&mut self, time: u32) {
        for step in 0..time {
            self.now += MS;
            let now = self.now;
            for (_, to, path, packet) in self.wire.extract_if(.., |(at, ..)| *at <= now) {
                self.ends[to].handle_packet(&packet, path, now);
            }
            for from in 0..2 {
                let end = &mut self.ends[from];
                if end.poll_timeout().is_some_and(|at| at <= now) {
                    end.handle_timeout(now);
                }
                while let Some((path, packet)) = end.poll_transmit(now) {
                    let back = Path {
                        local: path.remote,
                        remote: path.local,
                        ..path
                    };
                    if !self
                        .silent
                        .iter()
                        .any(|at| [path.local, path.remote].contains(at))
                    {
                        self.wire.push((now + DELAY, 1 - from, back, packet));
                    }
                }
                let states = end.poll_states(now);
                if from == 0 {
                    self.states.extend(states);
                }
            }
            // Data, which is answered at once.
            if let Some(path) = self.ends[0].path().filter(|_| step % 50 == 0) {
                self.ends[0].pairs().data_sent(path, 100, now);
                if !self.silent.contains(&path.local) {
                    self.ends[0].pairs().heard(path, now);
                }
            }
        }
    }

    fn fall_silent(&mut self, last: u8) {
        self.silent.push(([192, 0, 2, last], 1).into());
    }
}

#[test]
fn another_pair_takes_over_from_one_that_is_dead() {
    let mut network = Network::new();
    network.states.clear();
    network.fall_silent(1);
    network.run(2900);
    assert_eq!(network.path(), Some([192, 0, 2, 1].into()));
    network.run(700);
    assert_eq!(network.path(), Some([192, 0, 2, 2].into()));
    // It is tried again, and taken when it answers.
    network.run(30_000);
    assert_eq!(network.path(), Some([192, 0, 2, 2].into()));
    let states = &network.states;
    assert!(
        !states.contains(&IceConnectionState::Disconnected),
        "{states:?}"
    );
    network.silent.clear();
    network.run(60_000);
    assert_eq!(network.path(), Some([192, 0, 2, 1].into()));
}

#[test]
fn a_network_that_is_gone_for_some_seconds_costs_no_restart() {
    let mut network = Network::new();
    network.states.clear();
    network.fall_silent(1);
    network.fall_silent(2);
    network.run(3500);
    assert_eq!(network.states, [IceConnectionState::Disconnected]);
    network.run(7500);
    assert_eq!(network.states, [IceConnectionState::Disconnected]);
    network.silent.clear();
    network.run(1500);
    assert!(
        matches!(
            network.ends[0].state(),
            IceConnectionState::Connected | IceConnectionState::Completed
        ),
        "{:?}",
        network.states
    );
}

#[test]
fn one_that_stays_away_has_failed_in_time_and_gets_no_data_at_last() {
    let mut network = Network::new();
    network.states.clear();
    network.fall_silent(1);
    network.fall_silent(2);
    network.run(11_500);
    assert_eq!(network.states, [IceConnectionState::Disconnected]);
    network.run(1000);
    assert_eq!(network.states[1..], [IceConnectionState::Failed]);
    assert!(network.path().is_some());
    network.run(20_000);
    assert_eq!(network.path(), None, "the consent is over");
}

proptest! {
    #[test]
    fn any_packet_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(), cut: bool,
    ) {
        let now = Instant::now();
        let (mut receiver, mut packet) = check(now);
        for (index, byte) in changes {
            let index = index.index(packet.len());
            packet[index] = byte;
        }
        if cut {
            packet.truncate(length.index(packet.len()));
        }
        receiver.handle_packet(&packet, path(), now);
        while receiver.poll_transmit(now).is_some() {}
        receiver.poll_states(now);
    }

    #[test]
    fn any_candidate_is_survived(
        line in "candidate:[0-9a-z]{1,3} [0-9]{1,6} (udp|tcp|ssltcp) [0-9]{1,11} ([0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}|[0-9a-f:]{2,20}) [0-9]{1,6} typ (host|srflx|relay|prflx)( tcptype (active|passive|so))?( raddr [0-9.]{7} rport [0-9]{1,5})?|[\\PC]{0,60}"
    ) {
        let now = Instant::now();
        let mut ice = agent("one", "two", 1, true, now);
        ice.add_remote(&line);
        ice.handle_timeout(now + PACING);
        while ice.poll_transmit(now).is_some() {}
    }
}
