"""Panels are arranged as the user likes, and stay so."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from urllib.parse import urlencode

from chromium import DRIVE, MAP, PICTURE, PLOT, Tab, wait_for
from conftest import ROOM, TabFactory
from livekit_server import LiveKitServer
from messages import message_class
from ros_side import Observer


def places(tab: Tab) -> dict[str, dict[str, float]]:
    """Where the panels are, by their kinds."""
    panels = tab.page.locator(".panel").all()
    return {panel.get_attribute("data-kind"): panel.bounding_box() for panel in panels}


def covered(tab: Tab) -> float:
    """The part of the page that panels cover."""
    area = tab.page.locator(".page").bounding_box()
    boxes = places(tab).values()
    return sum(box["width"] * box["height"] for box in boxes) / (area["width"] * area["height"])


def test_panels_fill_the_page_and_are_moved_and_resized(new_tab: TabFactory, pictures: Path) -> None:
    tab = new_tab(panels=(PICTURE, MAP, PLOT, DRIVE))
    tab.wait_live()
    tab.panel("teleop").wait_for()
    assert 0.98 < covered(tab) < 1.02
    # By mouse: to the right half of another one.
    target = tab.panel("picture").bounding_box()
    tab.panel("map").locator("h2").hover()
    tab.page.mouse.down()
    tab.page.mouse.move(target["x"] + 0.9 * target["width"], target["y"] + target["height"] / 2, steps=5)
    tab.page.mouse.up()
    now = places(tab)
    assert now["map"]["y"] == now["picture"]["y"]
    assert abs(now["map"]["x"] - now["picture"]["x"] - now["picture"]["width"]) < 1
    assert 0.98 < covered(tab) < 1.02
    # By keys: they change places, then the left one gets wider.
    tab.panel("map").get_by_label("Move Map").press("ArrowLeft")
    wait_for(lambda: places(tab)["map"]["x"] < places(tab)["picture"]["x"], "panels in each other's places", tab)
    before = places(tab)["map"]["width"]
    tab.panel("map").get_by_label("Move Map").press("Shift+ArrowRight")
    wait_for(lambda: places(tab)["map"]["width"] > before + 5, "wider panel", tab)
    bar = tab.page.get_by_role("separator").first
    value = int(bar.get_attribute("aria-valuenow"))
    bar.press("ArrowRight")
    wait_for(lambda: int(bar.get_attribute("aria-valuenow")) > value, "moved bar", tab)
    assert 0.98 < covered(tab) < 1.02
    # The whole page fills the screen, and leaves it again.
    for is_full in (True, False):
        tab.page.get_by_label("Full screen").click()
        wait_for(lambda is_full=is_full: tab.page.evaluate("document.fullscreenElement !== null") == is_full, "screen", tab)
    # While one fills the page the others go on: a message comes to the plot, which nobody sees.
    tab.panel("map").get_by_label("Maximise Map").click()
    assert places(tab)["map"]["width"] > 900
    count = int(tab.topic("/odom").get_attribute("data-count"))
    wait_for(lambda: int(tab.topic("/odom").get_attribute("data-count")) > count + 5, "odometry", tab)
    assert tab.panel("plot").locator("canvas").count() == 1
    tab.page.keyboard.press("Escape")
    # All of it is there after a reload, and what was chosen in a panel.
    tab.panel("map").get_by_label("follow").check()
    kept = places(tab)
    tab.page.reload()
    tab.wait_live()
    wait_for(lambda: places(tab) == kept, "the same places", tab)
    assert tab.panel("map").get_by_label("follow").is_checked()
    tab.page.screenshot(path=pictures / "layout.png")
    # Where there is more than fits, the wheel over a view scrolls the page until the view is pressed.
    tab.page.set_viewport_size({"width": 1400, "height": 420})
    area = tab.page.locator(".page")
    area.evaluate("area => { area.scrollTop = 0; }")
    tab.canvas("map").hover(position={"x": 20, "y": 20})
    tab.page.mouse.wheel(0, 60)
    wait_for(lambda: area.evaluate("area => area.scrollTop") > 0, "scrolled page", tab)
    area.evaluate("area => { area.scrollTop = 0; }")
    tab.canvas("map").focus()
    tab.page.mouse.wheel(0, 60)
    tab.page.wait_for_timeout(500)
    assert area.evaluate("area => area.scrollTop") == 0


def test_pages_are_shared_by_link_and_file(
    new_tab: TabFactory, server: LiveKitServer, observer: Observer, tmp_path: Path
) -> None:
    tab = new_tab(permissions=["clipboard-read", "clipboard-write"])
    tab.wait_live()
    tab.panel("teleop").wait_for()
    # A second camera, which need not send anything.
    rear = observer.node.create_publisher(message_class("sensor_msgs/msg/CompressedImage"), "/rear/image/compressed", 10)
    tab.topic("/rear/image/compressed").wait_for()
    tab.menu("Layout", "Page of all cameras")
    pages = tab.page.get_by_role("navigation", name="Pages").get_by_role("button")
    wait_for(lambda: pages.all_inner_texts() == ["Overview", "Cameras"], "page of cameras", tab)
    wait_for(lambda: set(places(tab)) == {"picture"}, "nothing but pictures", tab)
    cameras = tab.page.locator(".panel")
    assert cameras.count() == 2
    boxes = [camera.bounding_box() for camera in cameras.all()]
    assert boxes[0]["width"] == boxes[1]["width"]
    assert boxes[0]["height"] == boxes[1]["height"]
    observer.node.destroy_publisher(rear)
    tab.menu("Layout", "New page")
    tab.show("/battery")
    tab.menu("Layout", "Copy a link with all pages")
    tab.page.get_by_text("The link is in the clipboard").wait_for()
    link = tab.page.evaluate("navigator.clipboard.readText()")
    assert "token" not in link
    with tab.page.expect_download() as download:
        tab.menu("Layout", "Save all pages to a file")
    file = tmp_path / "layout.json"
    download.value.save_as(file)
    # Somebody else opens the link, with a token of their own.
    other = new_tab()
    connection = {"url": server.url, "token": Tab.token(server, ROOM, f"guest-{secrets.token_hex(4)}")}
    other.page.goto("about:blank")
    other.page.goto(f"{link}&{urlencode(connection)}")
    other.wait_live()
    theirs = other.page.get_by_role("navigation", name="Pages").get_by_role("button")
    # The first page is the one that they have, too.
    wait_for(lambda: theirs.all_inner_texts() == ["Overview", "Cameras", "Page 3"], "pages of the link", other)
    assert "layout" not in other.page.url
    theirs.last.click()
    other.panel("tree").wait_for()
    # From the file come the same pages, which are there already.
    other.page.get_by_label("File with pages").set_input_files(file)
    other.page.wait_for_timeout(300)
    assert theirs.count() == 3


def test_a_goal_is_set_on_the_map_and_sent_when_it_is_confirmed(new_tab: TabFactory, observer: Observer, pictures: Path) -> None:
    tab = new_tab(panels=(MAP,))
    goals: list[tuple[float, float, float]] = []

    def take(message: object) -> None:
        goals.append((message.pose.position.x, message.pose.position.y, message.pose.orientation.z))

    observer.create_subscription("/goal_pose", "geometry_msgs/msg/PoseStamped", take)
    tab.wait_live()
    panel = tab.panel("map")
    panel.locator(".where").wait_for()
    panel.get_by_label("Navigation goal").click()
    form = panel.get_by_role("form", name="Navigation goal")
    box = tab.canvas("map").bounding_box()
    # From the middle of the map, which the demo robot's map has at its origin, it looks up, that is along y.
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x, y - 60, steps=4)
    tab.page.mouse.up()
    assert form.get_by_label("heading").input_value() == "90.00"
    form.get_by_label("x", exact=True).fill("1.5")
    panel.screenshot(path=pictures / "goal.png")
    assert goals == []
    form.get_by_role("button", name="Send the robot there").click()
    wait_for(lambda: goals, "goal", tab)
    assert goals[0][0] == 1.5
    assert abs(goals[0][1]) < 0.5
    assert abs(goals[0][2] - 0.7071) < 0.01
    # Several places make a route. The demo robot goes to none of them, so a person leads it on.
    route = panel.get_by_role("region", name="Route")
    for x in ("2", "-2"):
        form.get_by_label("x", exact=True).fill(x)
        form.get_by_role("button", name="Add to the route").click()
    form.get_by_role("button", name="Close").click()
    panel.screenshot(path=pictures / "route.png")
    route.get_by_role("button", name="Send the robot along 2 places").click()
    wait_for(lambda: len(goals) == 2, "first place", tab)
    route.get_by_text(re.compile(r"To place 1 of 2, \d")).wait_for()
    route.get_by_role("button", name="Skip").click()
    wait_for(lambda: len(goals) == 3, "second place", tab)
    # STOP ends it: the robot is sent to where it is.
    tab.page.get_by_role("button", name="STOP", exact=True).dispatch_event("pointerdown")
    route.get_by_text("STOP has ended the route").wait_for()
    wait_for(lambda: len(goals) == 4, "goal where the robot is", tab)
    assert [goal[0] for goal in goals[1:3]] == [2, -2]
    assert abs(goals[3][0]) != 2
