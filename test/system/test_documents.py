"""Links of the documents lead somewhere, and no document is left out of the index."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from processes import ROOT

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    tracked = subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
    return [ROOT / name for name in tracked]


def links(document: Path) -> list[Path]:
    return [(document.parent / target).resolve() for target in LINK.findall(document.read_text())]


def test_every_link_leads_to_a_file() -> None:
    pairs = [(document, target) for document in documents() for target in links(document)]
    assert len(pairs) > 50
    assert not [(str(document.relative_to(ROOT)), str(target)) for document, target in pairs if not target.exists()]


def test_the_index_leads_to_every_document_of_docs() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "docs/README.md"]
    while waiting:
        document = waiting.pop()
        if document not in seen and document.suffix == ".md":
            seen.add(document)
            waiting += links(document)
    assert not [document for document in documents() if (ROOT / "docs") in document.parents and document not in seen]
