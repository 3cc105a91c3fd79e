"""Statistics beside those of the official library, for the same traffic through the same server."""

from __future__ import annotations

from typing import Any

import pytest

from peers import Peer, Report, numbered, ways

PACKETS = 100
SIZE = 1_000
EMPTY = (0, "", None)
# What the official library fills and this one cannot, with the reason.
ONLY_OFFICIAL = {
    # There is no SRTP without media.
    "srtp_cipher",
    # Kinds of network interfaces are not told apart here. Browsers hide most of it.
    "network_type",
}
# Counted by both, but zero for a moment or on a quick machine.
MAY_BE_ZERO = {"current_round_trip_time"}


class Counted:
    """Reports of a peer before and after traffic."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.before = selected(peer.statistics())
        self.reports: list[Report] = []

    def take(self) -> None:
        """Takes the reports after it, once consent was asked for, which happens every few seconds."""

        def agreed() -> bool:
            self.reports = self._peer.statistics()
            return selected(self.reports)["candidate_pair"].get("consent_requests_sent", 0) > 0

        self._peer.wait_for(agreed, "a request for consent")

    @property
    def after(self) -> dict[str, dict[str, Any]]:
        """One report of each type."""
        return selected(self.reports)

    def count(self, kind: str, name: str) -> float:
        """What the traffic added."""
        return self.after[kind][name] - self.before[kind][name]


@pytest.fixture(scope="module")
def both(pair: tuple[Peer, Peer]) -> tuple[Counted, Counted]:
    """The reports of the two about the same traffic."""
    counted = Counted(pair[0]), Counted(pair[1])
    for sender, receiver in ways(pair):
        for message in numbered(PACKETS, SIZE):
            sender.send(message, topic="counted")
        receiver.wait_for(lambda to=receiver: len(to.of("data", topic="counted")) >= PACKETS, "every packet")
    for each in counted:
        each.take()
    return counted


def selected(reports: list[Report]) -> dict[str, dict[str, Any]]:
    """One report of each type: those that belong to the path in use, and the reliable channel."""
    by_id = {fields["id"]: fields for _, fields in reports}
    (transport,) = [fields for kind, fields in reports if kind == "transport"]
    pair = by_id[transport["selected_candidate_pair_id"]]
    (channel,) = [fields for kind, fields in reports if kind == "data_channel" and fields["label"] == "_reliable"]
    (connection,) = [fields for kind, fields in reports if kind == "peer_connection"]
    return {
        "transport": transport,
        "candidate_pair": pair,
        "local_candidate": by_id[pair["local_candidate_id"]],
        "remote_candidate": by_id[pair["remote_candidate_id"]],
        "certificate": by_id[transport["local_certificate_id"]],
        "remote certificate": by_id[transport["remote_certificate_id"]],
        "data_channel": channel,
        "peer_connection": connection,
    }


def test_every_field_of_the_official_library_is_filled(both: tuple[Counted, Counted]) -> None:
    ours, theirs = (each.after for each in both)
    for kind, official in theirs.items():
        known = ours[kind].keys()
        filled = {name for name, value in official.items() if name in known and value not in EMPTY}
        empty = {name for name in filled if ours[kind][name] in EMPTY}
        assert empty <= ONLY_OFFICIAL | MAY_BE_ZERO, f"{kind}: {empty} empty in {ours[kind]}, official: {official}"


def test_what_both_tell_is_alike(both: tuple[Counted, Counted]) -> None:
    ours, theirs = (each.after for each in both)
    for kind, names in {
        "transport": ["tls_version", "dtls_cipher", "dtls_state", "ice_role"],
        "candidate_pair": ["nominated"],
        "local_candidate": ["protocol"],
        "remote_candidate": ["address", "port", "protocol", "candidate_type", "priority", "foundation"],
        "certificate": ["fingerprint_algorithm"],
        "remote certificate": ["fingerprint_algorithm"],
        "data_channel": ["label", "protocol", "state"],
        "peer_connection": ["data_channels_opened", "data_channels_closed"],
    }.items():
        for name in names:
            assert ours[kind][name] == theirs[kind][name], f"{kind}.{name}"
    # There it is in progress again while consent is asked for.
    assert ours["candidate_pair"]["state"] == "succeeded"
    # The same units: milliseconds of now, seconds of a round trip.
    for name in ("last_packet_sent_timestamp", "last_packet_received_timestamp"):
        # The official library does not always keep it.
        if theirs["candidate_pair"].get(name):
            assert ours["candidate_pair"][name] == pytest.approx(theirs["candidate_pair"][name], abs=3_600_000), name
    for fields in (ours["candidate_pair"], theirs["candidate_pair"]):
        assert 0 < fields["total_round_trip_time"] / fields["responses_received"] < 10


def test_both_count_the_same_traffic_alike(both: tuple[Counted, Counted]) -> None:
    ours, theirs = both
    for direction in ("sent", "received"):
        for each in both:
            assert each.count("data_channel", f"messages_{direction}") == PACKETS
        # Each wraps its packets in its own way, and acknowledges when it likes.
        for kind in ("data_channel", "transport", "candidate_pair"):
            name = f"bytes_{direction}"
            # The official library does not always count what its pairs receive.
            if (kind, name) != ("candidate_pair", "bytes_received") or theirs.after[kind][name]:
                assert ours.count(kind, name) == pytest.approx(theirs.count(kind, name), rel=0.2), f"{kind}.{name}"
            assert ours.count(kind, name) > PACKETS * SIZE
            if kind != "data_channel":
                name = f"packets_{direction}"
                assert ours.count(kind, name) > PACKETS / 2, f"{kind}.{name}"


def test_pairs_that_are_not_in_use_are_told_too(both: tuple[Counted, Counted]) -> None:
    reports = both[0].reports
    pairs = [fields for kind, fields in reports if kind == "candidate_pair"]
    ends = {fields["id"] for kind, fields in reports if kind in ("local_candidate", "remote_candidate")}
    assert len(pairs) > 1
    assert {pair[end] for pair in pairs for end in ("local_candidate_id", "remote_candidate_id")} <= ends
    assert sum(bool(pair["nominated"]) for pair in pairs) == 1
