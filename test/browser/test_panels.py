"""Panels of what the robot says of itself, and those that publish and record."""

from __future__ import annotations

import re
from pathlib import Path

from mcap.reader import make_reader

from chromium import Tab, wait_for
from messages import message_class
from ros_side import Observer


def test_the_log_is_found_by_level_and_text(tab: Tab, observer: Observer, pictures: Path) -> None:
    tab.wait_live()
    tab.add("Log")
    panel = tab.panel("rosout")
    rows = panel.locator("li")

    def logged() -> bool:
        observer.node.get_logger().warning("wheel slips")
        observer.node.get_logger().error("wheel is lost")
        tab.page.wait_for_timeout(300)
        return rows.filter(has_text="wheel is lost").count() > 0

    wait_for(logged, "line of the log", tab)
    assert rows.filter(has_text="wheel slips").first.inner_text().count("WARN") == 1
    panel.get_by_label("Least level").select_option("ERROR")
    rows.filter(has_text="wheel slips").first.wait_for(state="detached")
    assert rows.filter(has_text="wheel is lost").count() > 0
    panel.get_by_label("Least level").select_option("DEBUG")
    panel.get_by_label("Find a node or text").fill("SLIPS")
    rows.filter(has_text="wheel is lost").first.wait_for(state="detached")
    assert rows.filter(has_text="wheel slips").count() > 0
    panel.screenshot(path=pictures / "log.png")


def test_diagnostics_are_listed_with_their_values(tab: Tab, pictures: Path) -> None:
    tab.wait_live()
    tab.add("Diagnostics")
    panel = tab.panel("diagnostics")
    row = panel.locator("li.level-OK", has_text="demo_robot: drive")
    row.locator("summary").click()
    row.get_by_text("driven", exact=True).wait_for()
    panel.get_by_text("1 OK").wait_for()
    panel.screenshot(path=pictures / "diagnostics.png")
    panel.get_by_label("Find a status").fill("no such thing")
    row.wait_for(state="detached")


def test_a_message_is_published_by_its_form(tab: Tab, observer: Observer) -> None:
    heard: list[str] = []
    observer.create_subscription("/note", "std_msgs/msg/String", lambda message: heard.append(message.data))
    tab.wait_live()
    tab.add("Publish")
    panel = tab.panel("publish")
    panel.get_by_label("Topic", exact=True).fill("/note")
    panel.get_by_label("Topic", exact=True).press("Tab")
    panel.locator("select").select_option("std_msgs/msg/String")
    panel.locator('input[name="data"]').fill("hello")
    button = panel.get_by_role("button", name="Publish", exact=True)
    button.click()
    panel.get_by_text("Published once").wait_for()
    wait_for(lambda: heard, "published text", tab)
    panel.locator('input[name="data"]').fill("again")
    button.click()
    wait_for(lambda: len(heard) == 2, "second text", tab)
    assert heard == ["hello", "again"]
    # Fields in fields; a text that is no number is refused at once.
    turns: list[float] = []
    observer.create_subscription("/turned", "geometry_msgs/msg/Twist", lambda message: turns.append(message.angular.z))
    panel.get_by_label("Topic", exact=True).fill("/turned")
    panel.get_by_label("Topic", exact=True).press("Tab")
    panel.locator("select").select_option("geometry_msgs/msg/Twist")
    number = panel.locator('input[name="angular.z"]')
    number.fill("fast")
    number.press("Tab")
    assert button.is_disabled()
    number.fill("0.25")
    number.press("Tab")
    wait_for(lambda: observer.node.count_publishers("/turned") > 0, "publisher", tab)
    button.click()
    wait_for(lambda: turns, "published numbers", tab)
    assert turns == [0.25]
    # A type that the robot has no topic of, by its definition.
    counts: list[int] = []
    observer.create_subscription("/counted", "std_msgs/msg/Int16", lambda message: counts.append(message.data))
    panel.get_by_label("Topic", exact=True).fill("/counted")
    panel.get_by_label("Topic", exact=True).press("Tab")
    panel.locator("select").select_option("Another type …")
    for name in ("no_such/msg/Type", "std_msgs/msg/Int16"):
        panel.get_by_label("Name of the type").fill(name)
        panel.get_by_label("Definition").fill("int16 data  # steps")
        panel.get_by_label("Definition").press("Tab")
        if name.startswith("no"):
            button.click()
            panel.get_by_text(re.compile("cannot publish on /counted: .*no_such")).wait_for()
    panel.locator('input[name="data"]').fill("-7")
    panel.locator('input[name="data"]').press("Tab")
    wait_for(lambda: observer.node.count_publishers("/counted") > 0, "publisher", tab)
    button.click()
    wait_for(lambda: counts, "published number", tab)
    assert counts == [-7]


def test_what_is_being_typed_outlives_what_the_robot_tells(tab: Tab, observer: Observer) -> None:
    tab.wait_live()
    tab.add("Publish")
    panel = tab.panel("publish")
    topic = panel.get_by_label("Topic", exact=True)
    topic.press_sequentially("/half")
    # Each topic that is new on the robot draws the panel anew.
    for name in ("/new_1", "/new_2", "/new_3"):
        observer.node.create_publisher(message_class("std_msgs/msg/String"), name, 1)
        panel.locator(f'datalist option[value="{name}"]').wait_for(state="attached")
        assert topic.input_value() == "/half"
    topic.press_sequentially("_way")
    topic.press("Tab")
    panel.locator("select").select_option("std_msgs/msg/String")
    panel.locator('input[name="data"]').wait_for()
    assert topic.input_value() == "/half_way"


def test_a_recording_is_saved_with_the_messages_that_were_shown(tab: Tab) -> None:
    tab.wait_live()
    tab.add("Record")
    panel = tab.panel("record")
    panel.get_by_role("button", name=re.compile(r"Record \d+ topics?")).click()
    figures = panel.locator("output")
    wait_for(lambda: int(re.findall(r"(\d+) messages", figures.inner_text())[0]) > 20, "messages in the recording", tab)
    with tab.page.expect_download() as download:
        panel.get_by_role("button", name="Stop and save").click()
    told = re.search(r"Saved (\d+) messages", panel.get_by_role("status").inner_text())
    with Path(download.value.path()).open("rb") as file:
        summary = make_reader(file).get_summary()
    assert told
    assert summary.statistics.message_count == int(told[1]) > 20
    topics = {channel.topic: channel.id for channel in summary.channels.values()}
    assert {"/odom", "/camera/image/compressed"} <= set(topics)
    assert summary.statistics.channel_message_counts[topics["/odom"]] > 0
    assert {schema.name for schema in summary.schemas.values()} >= {"nav_msgs/msg/Odometry"}
