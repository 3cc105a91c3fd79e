"""Writes the generated parts of the documents and makes the website. Called by scripts/docs."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
SUMMARY = DOCS / "SUMMARY.md"
PARAMETERS = DOCS / "parameters.md"
# The generated table is what follows.
MARK = "<!-- scripts/docs writes the table from the node's own. -->\n"
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+\.md)\)")
TYPES = {"string_array": "string list"}


def node_parameters() -> list[dict[str, Any]]:
    """The node's table of parameters, as the built node prints it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    node = os.environ.get("BRIDGE_EXECUTABLE") or target / "release/remote_access_bridge"
    return json.loads(subprocess.check_output([node, "--print-parameters"], text=True))


def parameter_row(parameter: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    default = json.dumps(parameter["default"]).replace("|", "\\|")
    description = parameter["description"]
    if "min" in parameter:
        description = f"{description.removesuffix('.')} ({parameter['min']} … {parameter['max']})."
    kind = TYPES.get(parameter["type"], parameter["type"])
    return f"| `{parameter['name']}` | {kind} | `{default}` | {description} |"


def parameters_page() -> str:
    """docs/parameters.md with the table of the built node."""
    text, mark, _ = PARAMETERS.read_text().partition(MARK)
    if not mark:
        raise ValueError(f"{PARAMETERS.name} has no line {MARK.strip()!r}")
    head = "| parameter | type | default | meaning |\n|---|---|---|---|"
    return "\n".join([text + mark, head, *map(parameter_row, node_parameters())]) + "\n"


def chapters(page: Path) -> list[tuple[str, str, Path]]:
    """The documents below docs that a page links to: the heading above, title and file."""
    found, heading = [], ""
    for line in page.read_text().splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        for title, target in LINK.findall(line) if line.startswith("- ") else []:
            file = (page.parent / target).resolve()
            if DOCS in file.parents:
                found.append((heading, title, file))
    return found


def summary_page() -> str:
    """docs/SUMMARY.md, which tells mdbook the order of the pages."""
    lines, part = ["# Summary", "", f"[Documentation]({INDEX.name})"], ""
    for heading, title, file in chapters(INDEX):
        if heading != part:
            lines += ["", f"# {heading}", ""]
            part = heading
        lines.append(f"- [{title}]({file.relative_to(DOCS)})")
        if file.name == INDEX.name:
            lines += [f"  - [{each}]({page.relative_to(DOCS)})" for _, each, page in chapters(file)]
    return "\n".join(lines) + "\n"


def link_to_repository(text: str, page: Path, repository: str) -> str:
    """A page's text in which links to files outside docs lead to the repository's website."""

    def replace(link: re.Match[str]) -> str:
        target = (page.parent / link[1]).resolve()
        if DOCS in target.parents:
            # mdbook calls the page of a directory so.
            return link[0].replace(INDEX.name, "index.md")
        if ROOT not in target.parents:
            return link[0]
        return f"]({repository}/blob/main/{target.relative_to(ROOT)}{link[2] or ''})"

    return re.sub(r"\]\((?![a-z]+:)([^)#]+)(#[^)]*)?\)", replace, text)


def preprocess() -> None:
    """Reads a book from mdbook and gives it back with the links changed."""
    context, book = json.load(sys.stdin)
    repository = context["config"]["output"]["html"]["git-repository-url"]

    def change(items: list[Any]) -> None:
        for item in items:
            chapter = item.get("Chapter") if isinstance(item, dict) else None
            if chapter:
                chapter["content"] = link_to_repository(chapter["content"], DOCS / chapter["source_path"], repository)
                change(chapter["sub_items"])

    change(book["items"])
    json.dump(book, sys.stdout)


def main() -> int:
    """Parses the command line and does what it asks for."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="only say whether the generated parts are current")
    choice.add_argument("--site", action="store_true", help="make the website in target/site, too")
    choice.add_argument("--preprocess", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.preprocess is not None:
        if not arguments.preprocess:
            preprocess()
        return 0
    old = []
    for page, text in ((PARAMETERS, parameters_page()), (SUMMARY, summary_page())):
        if not page.exists() or page.read_text() != text:
            old.append(page.name)
            if not arguments.check:
                page.write_text(text)
    if arguments.check:
        for name in old:
            print(f"docs/{name} is not current: run scripts/docs", file=sys.stderr)
        return 1 if old else 0
    if arguments.site:
        if shutil.which("mdbook") is None:
            print("scripts/docs: mdbook is not installed (cargo install --locked mdbook)", file=sys.stderr)
            return 1
        subprocess.run(["mdbook", "build", DOCS], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
