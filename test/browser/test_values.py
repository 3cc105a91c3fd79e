"""Values over time, frames and costs: what panels draw is what the robot says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator
from rclpy.qos import DurabilityPolicy, QoSProfile

from chromium import MAP, PLOT, Tab, canvas_hash, pixels, wait_for
from conftest import TabFactory
from messages import message_class
from ros_side import Observer

STATES = {"id": "states", "kind": "states", "series": [{"topic": "/mode", "path": ["data"]}]}
FRAMES = {"id": "frames", "kind": "frames"}
BATTERY = {"id": "battery", "kind": "tree", "topic": "/battery"}


def test_values_are_plotted_saved_and_told_by_name(new_tab: TabFactory, observer: Observer, pictures: Path) -> None:
    mode = observer.node.create_publisher(message_class("std_msgs/msg/String"), "/mode", 10)
    state = message_class("std_msgs/msg/String")(data="waiting")
    timer = observer.node.create_timer(0.1, lambda: mode.publish(state))
    # Half a day from where the robot is.
    tab = new_tab(panels=(PLOT, STATES, FRAMES, BATTERY), timezone_id="Asia/Tokyo")
    tab.wait_live()
    plot_is_looked_into(tab)
    # A strip gets a part of another colour when the state is another.
    states = tab.panel("states")
    states.locator(".now", has_text="waiting").wait_for()
    wait_for(lambda: len(hues(states)) == 1, "strip of one state", tab)
    state.data = "driving"
    states.locator(".now", has_text="driving").wait_for()
    wait_for(lambda: len(hues(states)) == 2, "strip of two states", tab)
    # The tree of frames, and where one of them is.
    frames = tab.panel("frames")
    frames.locator('[data-frame="map"] [data-frame="odom"] [data-frame="base_link"]').wait_for()
    frames.locator('[data-frame="lidar"] > button', has_text="static").click()
    frames.get_by_text(re.compile("lidar in map")).wait_for()
    # Numbers are called what the definition of the type calls them.
    tab.panel("tree").locator('[data-path="power_supply_status"]', has_text="UNKNOWN").wait_for()
    tab.page.screenshot(path=pictures / "values.png")
    timer.cancel()


def plot_is_looked_into(tab: Tab) -> None:
    """Values under the mouse, zoom, and all of them in a file."""
    plot = tab.panel("plot")
    chart = plot.locator(".chart .u-over")
    wait_for(lambda: re.search(r"\d", plot.locator(".legend .now").first.inner_text()), "newest value", tab)
    tab.wait_changing("plot", times=10)
    box = chart.bounding_box()
    right, middle = box["x"] + box["width"] - 4, box["y"] + box["height"] / 2
    tab.page.mouse.move(right, middle)
    plot.locator(".legend .pointed", has_text=re.compile(r"\d")).first.wait_for()
    plot.get_by_text(re.compile(r"^\d\d:\d\d:\d\d GMT\+9$")).wait_for()
    # All times of the page are in the zone that is chosen.
    tab.page.get_by_role("button", name="GMT+9", exact=True).click()
    tab.page.mouse.move(right, middle - 5)
    plot.get_by_text(re.compile(r"^\d\d:\d\d:\d\d UTC$")).wait_for()
    tab.page.mouse.down()
    tab.page.mouse.move(right - 60, middle, steps=4)
    tab.page.mouse.up()
    plot.get_by_text("double click shows all").wait_for()
    wait_for(lambda: stands_still(tab), "plot that stands still while it is looked into", tab)
    plot.get_by_label("Resume").click()
    with tab.page.expect_download() as download:
        plot.get_by_label("Save the values as CSV").click()
    head, *rows = Path(download.value.path()).read_text().splitlines()
    assert head.split(",")[1:] == ['"/odom.twist.twist.linear.x"']
    values = [[float(cell) for cell in row.split(",")] for row in rows]
    assert len(values) > 10
    assert [row[0] for row in values] == sorted(row[0] for row in values)
    assert len({row[1] for row in values}) > 3


def stands_still(tab: Tab) -> bool:
    """Whether the plot does not change while ten values arrive."""
    seen = canvas_hash(tab.canvas("plot"))
    count = int(tab.topic("/odom").get_attribute("data-count"))
    wait_for(lambda: int(tab.topic("/odom").get_attribute("data-count")) > count + 10, "odometry", tab)
    return canvas_hash(tab.canvas("plot")) == seen


def hues(states: Locator) -> set[tuple[int, ...]]:
    """The colours of the strips, without the texts on them."""
    strip = np.asarray(pixels(states.locator("canvas")))
    colours, counts = np.unique(strip[2], axis=0, return_counts=True)
    # What is greyish is the page behind, and a column or two are where one colour meets the next.
    found = zip(colours.tolist(), counts.tolist(), strict=True)
    return {tuple(colour) for colour, count in found if count > 3 and max(colour) - min(colour) > 40}


def test_costs_lie_over_the_map_which_zooms_to_the_mouse(new_tab: TabFactory, observer: Observer, pictures: Path) -> None:
    kind = message_class("nav_msgs/msg/OccupancyGrid")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = observer.node.create_publisher(kind, "/local_costmap/costmap", latched)
    costs = kind()
    costs.header.frame_id = "map"
    costs.info.resolution, costs.info.width, costs.info.height = 0.5, 4, 4
    costs.info.origin.position.x, costs.info.origin.position.y = 1.0, 1.0
    # An obstacle in a corner of what is free.
    costs.data = [100, *([0] * 15)]
    publisher.publish(costs)
    tab = new_tab(panels=(MAP,))
    tab.wait_live()
    canvas = tab.canvas("map")
    panel = tab.panel("map")
    panel.get_by_label("Choose topics").click()
    panel.get_by_label("/local_costmap/costmap").check()
    panel.get_by_label("Choose topics").click()

    def purple() -> np.ndarray:
        values = np.asarray(pixels(canvas)).astype(int)
        return np.argwhere(np.minimum(values[:, :, 0], values[:, :, 2]) - values[:, :, 1] > 60)

    wait_for(lambda: len(purple()) > 20, "obstacle", tab)
    # Half a metre and no more: the free cells beside it show the map.
    before = purple()
    assert len(before) < 0.02 * pixels(canvas).width * pixels(canvas).height
    y, x = before.mean(axis=0)
    box = canvas.bounding_box()
    canvas.focus()
    tab.page.mouse.move(box["x"] + x, box["y"] + y)
    tab.page.mouse.wheel(0, -300)
    wait_for(lambda: len(purple()) > 1.5 * len(before), "larger obstacle", tab)
    # It is still where it was: below the mouse.
    assert np.abs(purple().mean(axis=0) - (y, x)).max() < 6
    tab.panel("map").screenshot(path=pictures / "costs.png")
    tab.topic("/local_costmap/costmap").get_by_text("latched").wait_for()
