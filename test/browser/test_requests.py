"""Services are called and parameters set from forms in the browser."""

from __future__ import annotations

import re
from pathlib import Path

from rcl_interfaces.srv import GetParameters

from chromium import Tab, wait_for
from conftest import TabFactory
from processes import ChildProcess
from ros_side import Observer


def test_a_service_is_called_by_its_form(tab: Tab, robot: ChildProcess, pictures: Path) -> None:
    tab.wait_live()
    tab.add("Services")
    panel = tab.panel("services")
    service = panel.get_by_label("Service", exact=True)
    wait_for(lambda: any("/lights" in each for each in service.locator("option").all_inner_texts()), "service", tab)
    service.select_option("/lights")
    for wanted, answer in ((True, "lights on"), (False, "lights off")):
        panel.locator('input[name="data"]').set_checked(wanted)
        panel.get_by_role("button", name="Call").click()
        panel.locator(".response", has_text=answer).wait_for()
        assert answer in robot.output()
    # The earlier call is kept, with what was asked and answered.
    panel.get_by_text("Earlier calls: 1").click()
    earlier = panel.locator(".history details")
    earlier.get_by_text(re.compile("answered after")).click()
    assert "true" in earlier.locator("pre").nth(0).inner_text()
    assert "lights on" in earlier.locator("pre").nth(1).inner_text()
    panel.screenshot(path=pictures / "service.png")
    service.select_option("/restart_path")
    panel.get_by_role("button", name="Call").click()
    panel.locator(".response", has_text=re.compile(r"forgot \d+ poses")).wait_for()


def parameter(observer: Observer, name: str) -> float:
    """A parameter of the robot, asked for in ROS."""
    client = observer.node.create_client(GetParameters, "/demo_robot/get_parameters")
    assert client.wait_for_service(60.0)
    future = client.call_async(GetParameters.Request(names=[name]))
    wait_for(future.done, "parameter")
    observer.node.destroy_client(client)
    return future.result().values[0].double_value


def test_parameters_are_read_set_and_followed(new_tab: TabFactory, observer: Observer, pictures: Path) -> None:
    tab, other = new_tab(), new_tab()
    for each in (tab, other):
        each.wait_live()
        each.add("Parameters")
        each.panel("parameters").get_by_label("Find a parameter").fill("/demo_robot.s")
        each.panel("parameters").locator('input[name="/demo_robot.speed"]').wait_for()
    panel = tab.panel("parameters")
    speed = panel.locator('input[name="/demo_robot.speed"]')
    before = speed.input_value()
    speed.fill("0.75")
    panel.get_by_role("button", name="Set").click()
    wait_for(lambda: parameter(observer, "speed") == 0.75, "parameter in ROS", tab)
    # The other browser hears of it.
    there = other.panel("parameters").locator('input[name="/demo_robot.speed"]')
    wait_for(lambda: there.input_value() == "0.75", "parameter in the other browser", other)
    panel.screenshot(path=pictures / "parameters.png")
    # What the node says of it.
    panel.get_by_text("double, 0 to 3", exact=True).wait_for()
    speed.fill("99")
    panel.get_by_role("button", name="Set").click()
    panel.get_by_role("alert").filter(has_text="0 to 3 is possible").wait_for()
    assert parameter(observer, "speed") == 0.75
    panel.get_by_label("Find a parameter").fill("/demo_robot.start_type_description")
    panel.get_by_text("bool, read-only", exact=True).wait_for()
    assert panel.locator('input[name="/demo_robot.start_type_description_service"]').is_disabled()
    panel.get_by_label("Find a parameter").fill("/demo_robot.s")
    speed.fill("fast")
    panel.get_by_role("button", name="Set").click()
    panel.get_by_role("alert").filter(has_text="number").wait_for()
    speed.fill(before)
    panel.get_by_role("button", name="Set").click()
    wait_for(lambda: parameter(observer, "speed") == float(before), "parameter in ROS", tab)
    # Both keep what it was.
    for each in (panel, other.panel("parameters")):
        each.locator(".history li", has_text=f"/demo_robot.speed: {before} \u2192 0.75").wait_for(state="attached")
        each.locator(".history li", has_text=f"/demo_robot.speed: 0.75 \u2192 {before}").wait_for(state="attached")
