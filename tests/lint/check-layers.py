#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rooms include only what is below them, and each library is used in its own room only."""

import pathlib
import re
import sys

# What each room may include besides itself. store sees of graph only the plain structs; overlay of
# content only what readers see, and reading and writing at a place.
ROOMS = {
    "base": set(),
    "graph": {"base"},
    "store": {"base"},
    "content": {"base", "graph"},
    "overlay": {"base"},
    "tree": {"base"},
    "local": {"base", "store", "tree"},
    "sync": {"base", "graph", "store", "tree"},
    "fs": {"base", "graph", "store", "content", "overlay", "tree", "local", "sync"},
    "cmd": {"base", "graph", "store", "content", "overlay", "tree", "local", "sync", "fs"},
}
SINGLE_HEADERS = {
    "store": {"graph/item.h"},
    "local": {"graph/item.h"},
    "overlay": {"content/content.h", "content/disk.h"},
}

# Headers of libraries, and the rooms that may see them.
LIBRARIES = {
    "fuse": {"fs"},
    "curl/": {"graph"},
    "sqlite3": {"store"},
    "json-c/": {"base", "graph"},
    "ini.h": {"base"},
    "microhttpd": set(),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def wrong_include(room, bracket, header):
    """What is wrong with this include in this room, or None."""
    if bracket == "<":
        for prefix, rooms in LIBRARIES.items():
            if header.startswith(prefix) and room not in rooms:
                return f"only {', '.join(sorted(rooms)) or 'the tests'} may include <{header}>"
        return None
    target = header.split("/")[0]
    if header == "config.h" or target == room or room == "main":
        return None
    if target not in ROOMS:
        return f'"{header}" is not written as "room/file.h"'
    if target in ROOMS[room] or header in SINGLE_HEADERS.get(room, ()):
        return None
    return f"{room} is not above {target}"


def main():
    failed = False
    for path in sorted(pathlib.Path("src").rglob("*.[ch]")):
        room = path.parts[1] if len(path.parts) > 2 else "main"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            reason = match and wrong_include(room, *match.groups())
            if reason:
                print(f"{path}:{number}: {reason}")
                failed = True
    for path in sorted(pathlib.Path("tests/emulator").rglob("*.[ch]")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match.group(1) == '"' and match.group(2).split("/")[0] in ROOMS:
                print(f"{path}:{number}: the emulator shares no code with src")
                failed = True
    return failed


sys.exit(main())
