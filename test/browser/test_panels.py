"""Panels of what the robot says of itself: its log and its diagnostics."""

from __future__ import annotations

from pathlib import Path

from chromium import Tab, wait_for
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
