#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Documents name what exists: folders, files and tests."""

import pathlib
import re
import sys


def check_folders():
    """Every folder of the source is described in ARCHITECTURE.md."""
    text = pathlib.Path("docs/ARCHITECTURE.md").read_text()
    for folder in sorted(path for path in pathlib.Path("src").iterdir() if path.is_dir()):
        if f"`{folder}`" not in text:
            yield f"docs/ARCHITECTURE.md: doesn't describe `{folder}`"


def known_tests():
    """The names of all tests, unit and mount."""
    names = set()
    for path in pathlib.Path("tests").rglob("test_*"):
        if path.suffix in (".c", ".py"):
            names.update(re.findall(r"\b(test_\w+)\s*\(", path.read_text()))
            names.add(path.stem)
    return names


def check_tests():
    """Every test that a document names exists, and each promise of SEMANTICS.md has one."""
    names = known_tests()
    for document in sorted(pathlib.Path("docs").glob("*.md")):
        for number, line in enumerate(document.read_text().splitlines(), 1):
            for name in re.findall(r"\btest_\w+", line):
                if name not in names:
                    yield f"{document}:{number}: there is no {name}"
            is_row = line.startswith("|") and not re.match(r"\|[\s:|-]+\|$", line)
            is_heading = is_row and re.match(r"\|\s*operation\b", line)
            if document.name == "SEMANTICS.md" and is_row and not is_heading and "test_" not in line:
                yield f"{document}:{number}: a promise without a test"


def check_paths():
    """Every path of the project that a document names exists."""
    pattern = re.compile(r"(?<![\w/.$-])((?:src|tests|contrib|docs)/[\w./-]*[\w])")
    for document in [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").glob("*.md"))]:
        for number, line in enumerate(document.read_text().splitlines(), 1):
            for path in pattern.findall(line):
                if not pathlib.Path(path).exists():
                    yield f"{document}:{number}: there is no {path}"


def main():
    failed = False
    for check in (check_folders, check_tests, check_paths):
        for complaint in check():
            print(complaint)
            failed = True
    return failed


sys.exit(main())
