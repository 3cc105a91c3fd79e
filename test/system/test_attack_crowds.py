"""Participants that come and go without end: they cost the robot little, others lose nothing, and a stop arrives."""

from __future__ import annotations

from crowd import Crowd
from livekit_server import LiveKitServer
from scraper import Scraper
from siege import MEGA, SPENT, Siege, tell

JOINS = 75
KNOCKS = 400
PER_SECOND = 50
# What the bridge may hold more than before: a fraction of what these viewers take while they are there.
HELD = 2 * MEGA


def test_joins_and_leaves_without_end_leave_nothing_behind(siege: Siege, server: LiveKitServer, room: str, port: int) -> None:
    crowd, scraper = Crowd(server, room), Scraper(port)
    # What one viewer needs makes the process grow once.
    siege.endure(crowd.join_and_leave(JOINS))
    costs = {
        f"{JOINS} viewers that join and leave": siege.endure(crowd.join_and_leave(JOINS)),
        f"{KNOCKS} that begin to join": siege.endure(crowd.knock(KNOCKS, PER_SECOND)),
    }
    tell(costs)
    assert all(cost.held < HELD and cost.cpu < SPENT for cost in costs.values()), costs
    # The innocent ones.
    scraper.wait_value(2, "viewers")
    siege.finish()
