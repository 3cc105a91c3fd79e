"""Makes a release: version, changelogs, commit and tag. Called by scripts/release."""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = ROOT / "CHANGELOG.md"
TITLE = "Changelog for package remote_access_bridge"
UNRELEASED = "## [Unreleased]\n"
# Of the maintainer's address that package.xml has until somebody maintains the package.
PLACEHOLDER = re.compile(r'<maintainer email="[^"]*@example\.\w+"')
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)


def git(*arguments: str) -> str:
    """Runs git in the repository."""
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True).strip()


def replace_once(path: Path, pattern: str, text: str) -> None:
    """Replaces what fits the pattern, which is there exactly once; raises otherwise."""
    found, count = re.subn(pattern, text, path.read_text(), flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{path.name}: {pattern!r} is there {count} times, expected once")
    path.write_text(found)


def releases(changelog: str) -> list[tuple[str, str, str]]:
    """The sections of the changelog: version, date (empty if none) and text."""
    found = list(HEADING.finditer(changelog))
    ends = [each.start() for each in found[1:]] + [len(changelog)]
    return [
        (each["version"], each["date"] or "", changelog[each.end() : end].strip()) for each, end in zip(found, ends, strict=True)
    ]


def to_rst(text: str) -> str:
    """A section's Markdown as the reStructuredText of the ROS index (REP 132): one list, prefixed by its heading."""
    heading, entries = "", []
    for line in text.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
        elif line.startswith("- "):
            entries.append(f"* {heading}: {line.removeprefix('- ')}")
        elif line.startswith("  ") and entries:
            entries[-1] += f"\n  {line.strip()}"
    markup = "\n".join(entries)
    markup = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", markup)
    return re.sub(r"`([^`]+)`", r"``\1``", markup)


def changelog_rst(changelog: str) -> str:
    """CHANGELOG.rst, made of CHANGELOG.md."""
    frame = "^" * len(TITLE)
    parts = [f"{frame}\n{TITLE}\n{frame}"]
    for version, date, text in releases(changelog):
        title = f"{version} ({date})" if date else "Forthcoming"
        parts.append(f"{title}\n{'-' * len(title)}\n{to_rst(text)}")
    return "\n\n".join(parts) + "\n"


def check(version: str) -> None:
    """Sees whether a release can be made; raises with the reason if not."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"{version!r} is not a version: expected MAJOR.MINOR.PATCH, for example 0.2.0")
    if PLACEHOLDER.search((ROOT / "package.xml").read_text()):
        raise ValueError("package.xml has a placeholder as maintainer: put in <maintainer> who answers")
    if git("status", "--porcelain"):
        raise ValueError("there are uncommitted changes: commit or remove them")
    if git("tag", "--list", version):
        raise ValueError(f"the tag {version} exists already")
    if not next((text for name, _, text in releases(CHANGELOG.read_text()) if name == "Unreleased"), ""):
        raise ValueError("CHANGELOG.md has nothing under [Unreleased]: say what changed for users")


def release(version: str) -> None:
    """Sets the version, dates the changelog, commits and tags."""
    replace_once(ROOT / "package.xml", r"<version>[^<]+</version>", f"<version>{version}</version>")
    replace_once(ROOT / "Cargo.toml", r'^version = "[^"]+"$', f'version = "{version}"')
    subprocess.run(["cargo", "update", "--workspace", "--offline", "--quiet"], cwd=ROOT, check=True)
    dated = f"{UNRELEASED}\n## [{version}] - {datetime.datetime.now(datetime.timezone.utc).date()}\n"
    CHANGELOG.write_text(CHANGELOG.read_text().replace(UNRELEASED, dated, 1))
    rst = ROOT / "CHANGELOG.rst"
    # An empty section is none for the ROS index.
    rst.write_text(changelog_rst(CHANGELOG.read_text().replace(UNRELEASED, "", 1)))
    git("add", "package.xml", "Cargo.toml", "Cargo.lock", "CHANGELOG.md", str(rst))
    git("commit", "--quiet", "--message", f"Release {version}")
    git("tag", "--annotate", version, "--message", f"Release {version}")
    print(f"Release {version} is committed and tagged. Publish it with: git push origin HEAD {version}")


def main() -> int:
    """Parses the command line and makes the release."""
    parser = argparse.ArgumentParser(prog="scripts/release", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("version", nargs="?", metavar="VERSION", help="the new version, for example 0.2.0")
    choice.add_argument("--changelog", action="store_true", help="only print CHANGELOG.rst")
    arguments = parser.parse_args()
    if arguments.changelog:
        print(changelog_rst(CHANGELOG.read_text()), end="")
        return 0
    try:
        check(arguments.version)
        release(arguments.version)
    except ValueError as error:
        print(f"scripts/release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
