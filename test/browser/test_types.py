"""Messages of all primitive types are in the browser what they are in ROS."""

from __future__ import annotations

import array
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator
from rclpy.serialization import deserialize_message, serialize_message

from chromium import Tab, wait_for
from conftest import TabFactory
from messages import build, message_class
from ros_side import Publisher

# Type, and which of its examples. Together they have every primitive type, alone, in arrays and in sequences.
CASES = [
    ("BasicTypes", 1),
    ("Strings", 1),
    ("WStrings", 1),
    ("Builtins", 0),
    ("Arrays", 0),
    ("UnboundedSequences", 1),
    ("BoundedSequences", 1),
    ("MultiNested", 0),
]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A process that publishes."""
    publisher = Publisher()
    yield publisher
    publisher.close()


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a message with their paths, as the page names them."""
    if hasattr(value, "get_fields_and_field_types"):
        if set(fields := value.get_fields_and_field_types()) == {"sec", "nanosec"}:
            yield path, value
            return
        for name in fields:
            yield from leaves(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple | array.array | np.ndarray):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[{index}]")
    else:
        yield path, value


def is_shown(text: str, value: Any) -> bool:
    """Whether a text of the page tells a value."""
    if isinstance(value, bool | np.bool_):
        return text == str(bool(value)).lower()
    if isinstance(value, bytes):
        return text == str(value[0])
    if isinstance(value, str):
        return text == (value or "“”")
    if isinstance(value, float | np.floating):
        return math.isclose(float(text), float(value), rel_tol=1e-4, abs_tol=1e-5)
    if hasattr(value, "nanosec"):
        return f"{value.sec + value.nanosec / 1e9:.3f}" in text
    return text == str(int(value))


def test_every_value_of_a_message_is_in_the_tree(new_tab: TabFactory, publisher: Publisher) -> None:
    for name, number in CASES:
        publisher.advertise(f"/types/{name}", f"test_msgs/msg/{name}", latched=True, depth=1)
        publisher.publish(f"/types/{name}", number)
    tab = new_tab(panels=[{"id": name, "kind": "tree", "topic": f"/types/{name}"} for name, _ in CASES])
    tab.wait_live()
    for name, number in CASES:
        kind = f"test_msgs/msg/{name}"
        # As ROS itself reads it back: float32 is not what Python calls it.
        message = deserialize_message(serialize_message(build(kind, number)), message_class(kind))
        shown = tree(tab.page.locator(f"#panel-{name}"), tab)
        expected = dict(leaves(message))
        wrong = {
            path: (shown.get(path), value) for path, value in expected.items() if not is_shown(shown.get(path, "nan"), value)
        }
        assert wrong == {}, name
        assert set(shown) == set(expected), name


def tree(panel: Locator, tab: Tab) -> dict[str, str]:
    """The texts of all values in a panel, by their paths."""
    panel.locator("ul.fields").first.wait_for()
    expand(panel, tab)
    return panel.locator("ul.fields").first.evaluate(
        "fields => Object.fromEntries([...fields.querySelectorAll('li.leaf')]"
        ".map(leaf => [leaf.dataset.path, leaf.querySelector('.value').textContent]))"
    )


def expand(panel: Locator, tab: Tab) -> None:
    """Opens everything in the tree."""
    closed = panel.locator('button.branch[aria-expanded="false"], button.more')

    def is_open() -> bool:
        # One by one: what is in it shows up only then.
        closed.evaluate_all("buttons => buttons.forEach(button => button.click())")
        return closed.count() == 0

    wait_for(is_open, "open tree", tab)
