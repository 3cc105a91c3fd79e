"""An independent checker finds no barriers on the page: names, roles, contrast, focus (axe-core, WCAG 2.2 AA)."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from chromium import DRIVE, MAP, PICTURE, PLOT, Tab, wait_for
from conftest import TabFactory

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}

# Notes from now on whenever something in a panel changes that screen readers speak of themselves.
LISTEN = """
window.spoken = [];
const live = '[aria-live]:not([aria-live="off"]), output:not([aria-live]), [role="status"], [role="alert"], [role="log"]';
new MutationObserver((changes) => {
  for (const {target} of changes) {
    const region = (target.parentElement ?? target).closest(live);
    if (region) spoken.push(region.outerHTML.slice(0, 200));
  }
}).observe(document.querySelector(".page"), {subtree: true, childList: true, characterData: true});
undefined
"""

KINDS = ("services", "parameters", "rosout", "diagnostics", "log", "frames", "publish", "record", "viewers")
TREE = {"id": "tree", "kind": "tree", "topic": "/odom"}
STATES = {"id": "states", "kind": "states", "series": [{"topic": "/battery", "path": ["present"]}]}
PANELS = (PICTURE, DRIVE, MAP, PLOT, TREE, STATES, *({"id": kind, "kind": kind} for kind in KINDS))


def barriers(tab: Tab) -> list[str]:
    """What the checker finds, one line each."""
    found = Axe().run(tab.page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("screen", "colours"), [({}, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_there_are_no_barriers(new_tab: TabFactory, pictures: Path, screen: dict[str, object], colours: str) -> None:
    tab = new_tab(panels=PANELS, color_scheme=colours, **screen)
    tab.wait_live()
    tab.panel("parameters").scroll_into_view_if_needed()
    tab.panel("parameters").locator("input").nth(2).wait_for()
    tab.panel("tree").scroll_into_view_if_needed()
    tab.panel("tree").locator("li.leaf").first.wait_for()
    assert barriers(tab) == []
    # A hundred values arrive in a plot, and nobody is told each of them.
    tab.panel("plot").scroll_into_view_if_needed()
    tab.page.evaluate(LISTEN)
    count = int(tab.topic("/odom").get_attribute("data-count"))
    wait_for(lambda: int(tab.topic("/odom").get_attribute("data-count")) > count + 100, "odometry", tab)
    spoken = tab.page.evaluate("spoken")
    # As few as a busy machine draws of them are still too many.
    assert len(spoken) < 6, spoken
    if screen:
        tab.page.locator(".tabs").get_by_role("button", name="Topics").click()
        tab.topic("/battery").wait_for()
        assert barriers(tab) == []
    tab.page.screenshot(path=pictures / f"{'phone' if screen else 'desktop'}-{colours}.png")
