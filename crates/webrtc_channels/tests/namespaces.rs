//! Connections across real networks: two hosts in namespaces of their own, a router that
//! translates and blocks, and coturn. Needs root; says so loudly where it cannot run.

#[path = "support/lab.rs"]
mod lab;
#[path = "support/remote.rs"]
mod remote;

use lab::Lab;
use remote::{negotiate, talk, trickle_until, Remote};

/// Not a test: the process that holds one connection (see `support/remote.rs`).
#[test]
fn peer() {
    remote::serve();
}

/// The second of two hosts without servers.
fn plain(lab: &Lab, host: &str) -> Remote {
    Remote::start(lab.command(host, "env"), "", "", "all")
}

fn candidates(remote: &Remote, kind: &str) -> Vec<String> {
    let kind = format!(" typ {kind}");
    let lines = remote
        .heard
        .iter()
        .filter(|line| line.starts_with("candidate "));
    lines.filter(|line| line.contains(&kind)).cloned().collect()
}

#[test]
fn hosts_reach_each_other_over_ipv6_alone() {
    let Some(lab) = Lab::new() else { return };
    lab.on("net", "iptables -A FORWARD -j DROP");
    let (mut a, mut b) = (plain(&lab, "a"), plain(&lab, "b"));
    negotiate(&mut a, &mut b, "offer");
    talk(&mut a, &mut b, "six");
    a.expect("gathering Complete");
    let offered = candidates(&a, "host");
    for address in ["2001:db8:1::2", "198.18.1.2"] {
        assert!(
            offered.iter().any(|line| line.contains(address)),
            "{offered:?}"
        );
    }
    assert!(
        offered.iter().any(|line| line.contains("tcptype active")),
        "{offered:?}"
    );
    assert!(
        !offered.iter().any(|line| line.contains("fe80")),
        "{offered:?}"
    );
}

#[test]
fn a_host_behind_a_nat_offers_its_outer_address_and_connects() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    lab.on("net", "ip addr add 198.18.9.9/32 dev lo");
    lab.on(
        "net",
        "iptables -t nat -A POSTROUTING -s 198.18.1.0/24 -j SNAT --to 198.18.9.9",
    );
    // As behind a real NAT, nobody outside reaches the inner address.
    lab.on(
        "net",
        "iptables -A FORWARD -d 198.18.1.0/24 -m conntrack --ctstate NEW -j DROP",
    );
    lab.on("net", "ip6tables -A FORWARD -j DROP");
    let mut a = Remote::start(lab.command("a", "env"), "stun:198.18.3.2", "", "nohost");
    let mut b = plain(&lab, "b");
    negotiate(&mut a, &mut b, "offer");
    talk(&mut a, &mut b, "outside");
    a.expect("gathering Complete");
    let reflexive = candidates(&a, "srflx");
    assert_eq!(reflexive.len(), 1, "{reflexive:?}");
    assert!(reflexive[0].contains(" 198.18.9.9 "), "{reflexive:?}");
    assert_eq!(
        candidates(&a, "host"),
        [""; 0],
        "only the outer address may be told"
    );
}

/// Two hosts that cannot reach each other meet at the server, which is reached by this URL.
fn meet_at_relay(lab: &Lab, url: &str) -> (Remote, Remote) {
    lab.part(1, 2);
    let mut on_a = lab.command("a", "env");
    on_a.arg(format!("SSL_CERT_FILE={}", lab.certificate()));
    let mut a = Remote::start(on_a, url, "p", "relay");
    let mut b = plain(lab, "b");
    negotiate(&mut a, &mut b, "offer");
    talk(&mut a, &mut b, "via the relay");
    a.expect("gathering Complete");
    assert_eq!(candidates(&a, "host"), [""; 0]);
    assert_eq!(candidates(&a, "srflx"), [""; 0]);
    let relays = candidates(&a, "relay");
    assert_eq!(relays.len(), 1, "{relays:?}");
    (a, b)
}

#[test]
fn relays_over_udp() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    let (mut a, mut b) = meet_at_relay(&lab, "turn:198.18.3.2");
    // An ICE restart finds the same relay again, and nothing is lost.
    negotiate(&mut a, &mut b, "restart");
    talk(&mut a, &mut b, "again");
}

#[test]
fn relays_over_udp_and_ipv6() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    lab.on("net", "iptables -A FORWARD -j DROP");
    let (a, _b) = meet_at_relay(&lab, "turn:[2001:db8:3::2]:3478?transport=udp");
    assert!(candidates(&a, "relay")[0].contains(" 2001:db8:3::2 "));
}

#[test]
fn relays_over_tcp_where_udp_is_blocked() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    lab.on("net", "iptables -A FORWARD -s 198.18.1.0/24 -p udp -j DROP");
    let (mut a, mut b) = meet_at_relay(&lab, "turn:198.18.3.2 turn:198.18.3.2?transport=tcp");
    negotiate(&mut a, &mut b, "restart");
    talk(&mut a, &mut b, "again");
}

#[test]
fn relays_over_tls_where_all_else_is_blocked() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    lab.on("net", "iptables -A FORWARD -s 198.18.1.0/24 -p udp -j DROP");
    lab.on(
        "net",
        "iptables -A FORWARD -s 198.18.1.0/24 -p tcp ! --dport 5349 -j DROP",
    );
    let urls = "turn:198.18.3.2 turns:198.18.3.2?transport=tcp";
    let (mut a, mut b) = meet_at_relay(&lab, urls);
    // 2 MB each way, so that the connection blocks and continues.
    for (from, to) in [(&mut a, &mut b)] {
        from.tell("pour 40 50000");
        to.tell("pour 40 50000");
        for _ in 0..40 {
            to.expect("got 50000");
            from.expect("got 50000");
        }
    }
}

#[test]
fn a_tls_server_that_nobody_vouches_for_is_refused() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    let url = "turns:198.18.3.2";
    let mut a = Remote::start(lab.command("a", "env"), url, "p", "relay");
    a.tell("offer");
    assert!(a.expect("error 701 ").starts_with(url));
    a.expect("gathering Complete");
    assert_eq!(candidates(&a, "relay"), [""; 0]);
}

#[test]
fn a_wrong_password_is_reported_and_the_rest_goes_on() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    let mut a = Remote::start(lab.command("a", "env"), "turn:198.18.3.2", "wrong", "all");
    let mut b = plain(&lab, "b");
    negotiate(&mut a, &mut b, "offer");
    talk(&mut a, &mut b, "direct");
    a.expect("gathering Complete");
    let error = a.expect("error 701 turn:198.18.3.2 ");
    assert!(!error.contains("wrong"), "no secret in an error: {error}");
    assert_eq!(candidates(&a, "relay"), [""; 0]);
}

#[test]
fn another_interface_takes_over_when_one_is_unplugged() {
    let Some(lab) = Lab::new() else { return };
    let (mut a, mut b) = (plain(&lab, "a"), plain(&lab, "b"));
    negotiate(&mut a, &mut b, "offer");
    talk(&mut a, &mut b, "first");
    // A second interface appears: its addresses are offered without being asked for.
    a.heard.retain(|line| !line.starts_with("candidate"));
    lab.plug("a", "eth1", "to-a-too", 4);
    trickle_until(&mut b, &mut a, "candidate*198.18.4.2");
    talk(&mut a, &mut b, "second");
    // The first one goes, with all its addresses.
    lab.on("a", "ip link del eth0");
    talk(&mut a, &mut b, "third");
    let states: Vec<_> = a
        .heard
        .iter()
        .filter(|line| line.starts_with("state"))
        .collect();
    assert!(
        !states.iter().any(|state| state.contains("Failed")),
        "{states:?}"
    );
}

#[test]
fn a_relay_that_is_lost_is_asked_for_again() {
    let Some(mut lab) = Lab::new() else { return };
    lab.start_turn();
    let mut on_a = lab.command("a", "env");
    on_a.arg(format!("SSL_CERT_FILE={}", lab.certificate()));
    let mut a = Remote::start(on_a, "turn:198.18.3.2?transport=tcp", "p", "relay");
    a.tell("offer");
    let first = a.expect("candidate ");
    lab.stop_turn();
    a.expect("error 701 ");
    lab.start_turn();
    let second = a.expect("candidate ");
    assert!(first.contains("typ relay") && second.contains("typ relay"));
}
