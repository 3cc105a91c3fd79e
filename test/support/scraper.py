"""Reads the metrics of a bridge, with Prometheus' own parser."""

from __future__ import annotations

import socket
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from processes import wait_until

BRIDGE = "remote_access_bridge_"
Labels = frozenset[tuple[str, str]]


class Scraper:
    """Reads the metrics of a bridge."""

    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}/metrics"

    def scrape(self) -> dict[tuple[str, Labels], float]:
        """Every sample by name and labels; the parser is strict."""
        with urllib.request.urlopen(self.url, timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            text = answer.read().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(found) == len(samples), "a sample twice"
        return found

    def value(self, name: str, **labels: str) -> float | None:
        """One sample of the bridge."""
        return self.scrape().get((BRIDGE + name, frozenset(labels.items())))

    def wait_value(self, expected: float, name: str, **labels: str) -> None:
        """Waits until a sample has a value."""
        wait_until(lambda: self.value(name, **labels) == expected, f"{name} {labels} to be {expected}", pause=0.2)

    def connect(self) -> socket.socket:
        """A connection that has not asked for anything."""
        return socket.create_connection(self.address, timeout=60)
