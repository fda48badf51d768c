#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Headers hold the contracts: each function declared in one stands below a comment.

Headers that end in _i.h are a room's own: they only share what its files need of each other."""

import pathlib
import re
import sys

# Not `static`: what a macro needs is told with the macro; not `typedef`.
PROTOTYPE = re.compile(r"^(?!static |typedef )(?:const |struct |enum |unsigned )*\w+ (?:\w+ )*\**(\w+)\(")


def undocumented(text):
    """Yields line and name of each function declared without a comment above its block.

    A block is what stands together without an empty line: one comment may speak for several."""
    is_commented = in_comment = False
    for number, line in enumerate(text.splitlines(), 1):
        if in_comment or line.lstrip().startswith("/*"):
            in_comment = "*/" not in line
            is_commented = True
        elif not line.strip():
            is_commented = False
        else:
            match = PROTOTYPE.match(line)
            if match and not is_commented:
                yield number, match.group(1)


def main():
    failed = False
    for path in sorted(pathlib.Path("src").rglob("*.h")):
        if path.stem.endswith("_i"):
            continue
        for number, name in undocumented(path.read_text()):
            print(f"{path}:{number}: {name} has no contract")
            failed = True
    return failed


sys.exit(main())
