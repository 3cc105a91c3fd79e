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
