"""Links and test names in the documents lead somewhere, and no document is left out of the index."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from processes import ROOT

# What the website consists of: scripts/docs makes it from the index.
SUMMARY = ROOT / "docs/SUMMARY.md"
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)")


def documents() -> list[Path]:
    tracked = subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
    return [ROOT / name for name in tracked if ROOT / name != SUMMARY]


def links(document: Path) -> list[tuple[Path, str]]:
    """The files that a document links to, each with the anchor in it, if any."""
    found = LINK.findall(document.read_text())
    return [((document.parent / target).resolve() if target else document, anchor) for target, anchor in found]


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_heading_in_it() -> None:
    found = [(document, target, anchor) for document in documents() for target, anchor in links(document)]
    assert len(found) > 50
    assert not [(str(document.relative_to(ROOT)), str(target)) for document, target, _ in found if not target.exists()]
    with_anchor = [(str(document.relative_to(ROOT)), target, anchor) for document, target, anchor in found if anchor]
    assert not [each for each in with_anchor if each[2] not in anchors(each[1])]


def test_the_index_leads_to_every_document_of_docs() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "docs/README.md"]
    while waiting:
        document = waiting.pop()
        if document not in seen and document.suffix == ".md":
            seen.add(document)
            waiting += [target for target, _ in links(document)]
    assert not [document for document in documents() if (ROOT / "docs") in document.parents and document not in seen]


def test_every_document_of_docs_is_on_the_website() -> None:
    listed = {target for target, _ in links(SUMMARY)}
    assert not [document for document in documents() if (ROOT / "docs") in document.parents and document not in listed]


def test_the_rules_of_the_session_name_tests_that_exist() -> None:
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", (ROOT / "docs/testing.md").read_text()))
    assert len(named) > 20
    sources = "".join(file.read_text() for file in (ROOT / "crates/session/tests").rglob("*.rs"))
    assert not [name for name in sorted(named) if f"fn {name}(" not in sources]


def test_the_messages_that_the_documents_explain_are_those_of_the_programs() -> None:
    sources = [ROOT / "build.rs", *(ROOT / "src").rglob("*.rs"), *(ROOT / "crates").glob("*/src/**/*.rs")]
    # A text that goes on in the next line of the source is one.
    text = re.sub(r"\\\n\s*", "", "\n".join(file.read_text() for file in sources))
    tables = [(ROOT / "docs/quickstart.md", "## Troubleshooting"), (ROOT / "docs/operations.md", "## Logs")]
    quoted = [quote for file, heading in tables for quote in first_cells(file, heading)]
    assert len(quoted) > 12
    assert not [quote for quote in quoted if not all(part.strip() in text for part in quote.split("…"))]


def first_cells(document: Path, heading: str) -> list[str]:
    """What is quoted in the first column of the table under a heading."""
    section = document.read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return [quote for cell in cells for quote in re.findall(r"`([^`]+)`", cell)]
