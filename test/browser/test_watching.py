"""What the robot publishes is seen in the browser, and nothing is subscribed that is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser
from rclpy.qos import DurabilityPolicy, QoSProfile

from bridge_process import Bridge
from chromium import Tab, colours, pixels, wait_for
from conftest import TabFactory
from livekit_server import LiveKitServer
from messages import message_class
from page_server import PageServer
from ros_side import Observer

TOPICS = {
    "/camera/image": "sensor_msgs/Image",
    "/camera/image/compressed": "sensor_msgs/CompressedImage",
    "/lidar/points": "sensor_msgs/PointCloud2",
    "/tf": "tf2_msgs/TFMessage",
    "/odom": "nav_msgs/Odometry",
    "/map": "nav_msgs/OccupancyGrid",
}


def test_topics_are_listed_with_type_and_figures(tab: Tab) -> None:
    tab.wait_live()
    for topic, kind in TOPICS.items():
        tab.topic(topic).wait_for()
        assert kind.split("/")[1] in tab.topic(topic).inner_text()
        assert kind in tab.topic(topic).locator("button.topic").get_attribute("title")
    # The camera's panel is on the page from the start; the battery is in none.
    watched = tab.topic("/camera/image/compressed").locator(".numbers")
    wait_for(lambda: re.search(r"[1-9][\d.]* Hz · [\d.]+ kB/s · \d+ ms", watched.inner_text()), "figures", tab)
    assert tab.topic("/battery").locator(".numbers").inner_text() == ""
    wait_for(lambda: re.fullmatch(r"\d+ ms", tab.page.locator("[data-figure=rtt]").inner_text()), "round trip", tab)
    # Namespaces close, the search is fuzzy, and a favourite is at the top.
    tab.page.locator(".namespace > button", has_text="/camera").click()
    tab.topic("/camera/image").wait_for(state="detached")
    tab.page.get_by_label("Find a topic or type").fill("camcomp")
    wait_for(lambda: listed(tab) == ["/camera/image/compressed"], "what the search finds", tab)
    tab.topic("/camera/image/compressed").get_by_label("is a favourite").click()
    tab.page.get_by_label("Find a topic or type").fill("")
    wait_for(lambda: listed(tab)[:2] == ["/camera/image/compressed", "/battery"], "favourite at the top", tab)


def listed(tab: Tab) -> list[str]:
    """The topics of the list from the top."""
    return tab.page.locator(".topics li[data-topic]").evaluate_all("rows => rows.map(row => row.dataset.topic)")


def test_the_camera_moves_compressed_and_raw(tab: Tab, pictures: Path) -> None:
    tab.wait_live()
    tab.wait_changing("picture", times=3)
    picture = pixels(tab.canvas("picture"))
    assert colours(picture) > 20
    tab.panel("picture").screenshot(path=pictures / "picture.png")
    # As a file it has the size of the camera's own pictures.
    with tab.page.expect_download() as download:
        tab.panel("picture").get_by_label("Save the picture").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (320, 240)
        assert colours(saved.convert("RGB")) > 20
    tab.panel("picture").get_by_label("Close").click()
    tab.show("/camera/image")
    tab.wait_changing("picture", times=3)
    assert "160 \u00d7 120" in tab.panel("picture").inner_text()
    assert colours(pixels(tab.canvas("picture"))) > 20


def test_a_message_is_a_live_tree_whose_numbers_can_be_plotted(tab: Tab, pictures: Path) -> None:
    tab.wait_live()
    tab.show("/odom", "tree")
    tree = tab.panel("tree")
    # With the type and the unit.
    tree.locator('[data-path="twist.twist.linear.x"]', has_text=re.compile(r"m/s\s*float64$")).wait_for()
    x = tree.get_by_label(re.compile(r"^pose\.pose\.position\.x is"))
    values: set[str] = set()
    wait_for(lambda: values.add(x.inner_text()) or len(values) > 3, "moving number", tab)
    plots = tab.page.locator('.panel[data-kind="plot"]')
    before = plots.locator(".legend li").count()
    x.click()
    wait_for(lambda: plots.locator(".legend li").count() == before + 1, "line for the number", tab)
    assert "pose.pose.position.x" in plots.first.inner_text()
    tab.wait_changing("plot", times=3)
    tab.page.screenshot(path=pictures / "tree.png")


def test_the_room_is_drawn_in_3d_and_from_above(new_tab: TabFactory, pictures: Path) -> None:
    tab = new_tab(panels=None)
    tab.wait_live()
    tab.wait_changing("scene", times=3)
    picture = pixels(tab.panel("scene"))
    picture.save(pictures / "scene.png")
    # Points are painted in saturated colours; everything else there is grey or dark.
    values = np.asarray(picture).astype(int)
    bright = np.count_nonzero(values.max(axis=2) - values.min(axis=2) > 70)
    assert bright > 1000, f"{bright} coloured pixels"
    frames = tab.panel("scene").locator("select option").all_inner_texts()
    assert {"map", "odom", "base_link", "lidar", "camera"} <= set(frames)
    # The robot's model is there, too: it follows the joints and misses no mesh.
    tab.panel("scene").get_by_label("Robot model", exact=True).wait_for()
    wait_for(lambda: "Hz" in tab.topic("/joint_states").inner_text(), "joint states", tab)

    tab.wait_changing("map", times=3)
    places: set[str] = set()
    where = tab.panel("map").locator(".where")
    wait_for(lambda: places.add(where.inner_text()) or len(places) > 3, "moving robot", tab)
    pixels(tab.panel("map")).save(pictures / "map.png")
    light = np.count_nonzero(np.asarray(pixels(tab.canvas("map"))).min(axis=2) > 180)
    assert light > 10_000, f"{light} light pixels: the map is not drawn"


def test_a_cloud_comes_compressed_and_raw_on_request(new_tab: TabFactory) -> None:
    tab = new_tab(panels=({"id": "scene", "kind": "scene"},))
    tab.wait_live()
    scene = tab.panel("scene")
    figures = {topic: tab.topic(topic).locator(".numbers") for topic in ("/lidar/points", "/lidar/points/draco")}
    wait_for(lambda: "Hz" in figures["/lidar/points/draco"].inner_text(), "compressed cloud", tab)
    assert figures["/lidar/points"].inner_text() == ""
    scene.get_by_label("Choose topics").click()
    for box in scene.locator("fieldset input:checked").all()[::-1]:
        box.click()

    def bright() -> int:
        values = np.asarray(pixels(tab.canvas("scene"))).astype(int)
        return np.count_nonzero(values.max(axis=2) - values.min(axis=2) > 70)

    # The axes of frames have colours as well, and move; a cloud has ten times as many pixels.
    scene.get_by_label("Robot model", exact=True).click()
    wait_for(lambda: "Hz" not in figures["/lidar/points/draco"].inner_text(), "end of the cloud", tab)
    nothing = bright()
    for topic in ("/lidar/points/draco", "/lidar/points"):
        box = scene.locator("fieldset label", has=tab.page.get_by_text(re.compile(f"^{topic} "))).locator("input")
        box.check()
        wait_for(lambda: bright() > 3 * nothing + 5000, topic, tab)
        box.uncheck()
        wait_for(lambda: bright() < 2 * nothing + 2500, f"end of {topic}", tab)


# A square of four metres that looks up.
CORNERS = {"a": "-2 -2 0", "b": "2 -2 0", "c": "2 2 0", "d": "-2 2 0"}
FACETS = "".join(
    f"facet normal 0 0 1 outer loop {' '.join('vertex ' + CORNERS[corner] for corner in corners)} endloop endfacet "
    for corners in ("abc", "acd")
)


def test_meshes_of_markers_come_from_the_robots_packages(
    chromium: Browser, server: LiveKitServer, site: PageServer, observer: Observer, tmp_path: Path
) -> None:
    for file, content in {
        "share/ament_index/resource_index/packages/painted": "",
        "share/painted/square.stl": f"solid square {FACETS}endsolid square",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    paths = {"AMENT_PREFIX_PATH": f"{tmp_path}:{os.environ['AMENT_PREFIX_PATH']}"}
    parameters = {"room": "meshes", "name": "Demo robot", "capabilities": '["assets"]', "topic_whitelist": '["/painted/.*"]'}
    bridge = Bridge(tmp_path, {**Bridge.credentials(server), **paths}, parameters)
    kind = message_class("visualization_msgs/msg/Marker")
    latched = QoSProfile(depth=2, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = observer.node.create_publisher(kind, "/painted/markers", latched)
    for number, file in enumerate(("square", "missing")):
        marker = kind(id=number, type=kind.MESH_RESOURCE, mesh_resource=f"package://painted/{file}.stl")
        marker.header.frame_id = "map"
        marker.scale.x = marker.scale.y = marker.scale.z = 1.0
        marker.color.r = marker.color.b = marker.color.a = 1.0
        publisher.publish(marker)
    # Beside it, from a list of markers, a box and another one that is taken away again.
    boxes = observer.node.create_publisher(message_class("visualization_msgs/msg/MarkerArray"), "/painted/boxes", latched)
    box, gone = kind(id=1, type=kind.CUBE), kind(id=2, type=kind.CUBE)
    for each, x in ((box, 4.0), (gone, -4.0)):
        each.header.frame_id = "map"
        each.pose.position.x = x
        each.scale.x, each.scale.y, each.scale.z = 3.0, 3.0, 0.1
        each.color.g = each.color.a = 1.0
    boxes.publish(message_class("visualization_msgs/msg/MarkerArray")(markers=[box, gone]))
    tab = Tab(chromium, panels=({"id": "scene", "kind": "scene"},))
    try:
        tab.open(site.url, server.url, Tab.token(server, "meshes", "browser"))
        tab.wait_live()

        def painted(green: bool = False) -> int:
            red, middle, blue = np.moveaxis(np.asarray(pixels(tab.canvas("scene"))).astype(int), 2, 0)
            purple = np.minimum(red, blue) - middle
            return np.count_nonzero((-np.maximum(red, blue) + middle if green else purple) > 100)

        wait_for(lambda: painted() > 5000, "square of the mesh", tab)
        wait_for(lambda: painted(green=True) > 2000, "boxes", tab)
        both = painted(green=True)
        gone.action = kind.DELETE
        boxes.publish(message_class("visualization_msgs/msg/MarkerArray")(markers=[gone]))
        wait_for(lambda: 500 < painted(green=True) < 0.8 * both, "one box", tab)
        tab.panel("scene").get_by_text("package://painted/missing.stl: ").wait_for()
    finally:
        tab.close()
        bridge.stop()
    assert tab.errors == []


def test_a_topic_is_subscribed_only_while_it_is_seen(tab: Tab, observer: Observer) -> None:
    tab.wait_live()
    row = tab.topic("/camera/image/compressed")
    wait_for(lambda: "Hz" in row.inner_text(), "figures", tab)
    tab.panel("picture").get_by_label("Close").click()
    wait_for(lambda: "Hz" not in row.inner_text(), "end of the subscription", tab)
    observer.wait_subscriptions("/camera/image/compressed", 0)
    tab.show("/camera/image/compressed")
    wait_for(lambda: "Hz" in row.inner_text(), "figures", tab)
    # A panel that is scrolled out of sight is not watched either.
    tab.page.set_viewport_size({"width": 420, "height": 400})
    tab.page.locator(".tabs").get_by_role("button", name="Topics").click()
    wait_for(lambda: "Hz" not in row.inner_text(), "end of the subscription", tab)
    observer.wait_subscriptions("/camera/image/compressed", 0)


def test_two_browsers_watch_at_once(new_tab: TabFactory) -> None:
    first, second = new_tab(), new_tab()
    for tab in (first, second):
        tab.wait_live()
    for tab in (first, second):
        tab.wait_changing("picture", times=3)
    second.close()
    first.wait_changing("picture", times=3)


@pytest.mark.skipif("PAGE_SCREENSHOTS" not in os.environ, reason="PAGE_SCREENSHOTS does not say where it goes")
def test_the_picture_for_the_readme_is_taken(new_tab: TabFactory, pictures: Path) -> None:
    tab = new_tab(panels=None, color_scheme="dark", viewport={"width": 1500, "height": 1000})
    tab.wait_live()
    tab.panel("teleop").wait_for()
    for kind in ("picture", "scene", "plot"):
        tab.wait_changing(kind, times=3)
    # Some of the robot's way, so that there is something to see on the map and in the plot.
    tab.page.wait_for_timeout(8000)
    picture = pixels(tab.page.locator("body"))
    assert colours(picture) > 40
    # PAGE_SCREENSHOTS=docs/images puts it where the README looks for it.
    picture.quantize(256, Image.Quantize.MEDIANCUT).save(pictures / "page.png", optimize=True)
