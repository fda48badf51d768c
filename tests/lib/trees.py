# SPDX-License-Identifier: MIT
"""Directory trees to import into a drive, and comparison of a mount with the server's truth."""

from datetime import datetime
import hashlib
import os
import pathlib
import random
import stat
import unicodedata

# 2021-03-04 05:06:07 UTC, odd on purpose: a mtime that no default produces.
MTIME_S = 1614834367

ODD_NAMES = [
    "two  spaces inside",
    "percent%20sign %2F %",
    "hash#mark",
    "plus+and&ampersand",
    "apostrophe's",
    "semi;colon, comma = equals!",
    "[brackets] {braces} (round) $dollar @at",
    ".leading-dot",
    "..two-leading-dots",
    "-leading-dash",
    "emoji \U0001f427\U0001f469\u200d\U0001f680",
    "\u65e5\u672c\u8a9e.txt",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    unicodedata.normalize("NFC", "caf\u00e9-composed"),
    unicodedata.normalize("NFD", "cafe\u0301-decomposed"),
    "x" * 255,
    "\u00e4" * 127,
]

# How the server has a name, and how it is shown: full-width look-alikes stand for what it refuses.
SHOWN_NAMES = {
    "a\uff1ab": "a:b",
    "what\uff1f.txt": "what?.txt",
    "star\uff0a": "star*",
    "\uff1cangle\uff1e": "<angle>",
    "\uff02quoted\uff02": '"quoted"',
    "pipe\uff5cpipe": "pipe|pipe",
    "back\uff3cslash": "back\\slash",
    "trailing dot\uff0e": "trailing dot.",
    "\u2420leading space": " leading space",
    "trailing space\u2420": "trailing space ",
    "trailing colon\uff1a": "trailing colon\uff1a",
    "quoted \u201b\uff1a inside": "quoted \uff1a inside",
    "no quote \u201b\uff1a": "no quote \u201b\uff1a",
}


def write_file(path, data, mtime_s=MTIME_S):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (mtime_s, mtime_s))


def build_real_tree(top, seed=1):
    """Files, empty ones too, folders, deep ones and odd names. Returns the path."""
    top = pathlib.Path(top)
    source = random.Random(seed)
    for number, size in enumerate((0, 1, 100, 4095, 4096, 4097, 65536, 300_000)):
        write_file(top / "sizes" / f"{size}.bin", source.randbytes(size), MTIME_S + number)
    for number, name in enumerate(ODD_NAMES):
        write_file(top / "odd" / name, name.encode(), MTIME_S - 86400 * number)
        write_file(top / "odd folders" / name / "inside.txt", b"inside " + name.encode())
    deep = top / "deep"
    for level in range(24):
        deep = deep / f"level {level}"
        write_file(deep / "note.txt", f"level {level}\n".encode() * level)
    (top / "empty folder").mkdir()
    for number in range(120):
        write_file(top / "many" / f"file {number:03}.txt", f"number {number}\n".encode())
    for directory, _, _ in os.walk(top, topdown=False):
        os.utime(directory, (MTIME_S, MTIME_S))
    return top


def shown(server_name):
    """How a name of the server appears in the mount."""
    return SHOWN_NAMES.get(server_name, server_name)


def walk(top):
    """{relative path: ("folder",) or ("file", size, mtime in s, sha256)} of all below `top`."""
    found = {}
    for directory, folders, files in os.walk(top, onerror=_raise):
        base = pathlib.Path(directory).relative_to(top)
        for name in folders:
            found[str(base / name)] = ("folder",)
        for name in files:
            found[str(base / name)] = _describe(pathlib.Path(directory) / name)
    return found


def _raise(error):
    raise error


def _describe(path):
    status = os.lstat(path)
    assert stat.S_ISREG(status.st_mode), path
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ("file", status.st_size, status.st_mtime_ns // 10**9, digest)


def truth(emulator, drive="default"):
    """The server's tree in the form of walk()."""
    expected = {}
    for item in emulator.tree(drive)["items"]:
        parts = [shown(part) for part in item["path"].strip("/").split("/") if part]
        if not parts:
            continue
        if item["type"] == "folder":
            expected["/".join(parts)] = ("folder",)
        else:
            seconds = _seconds(item["mtime"])
            digest = item["sha256"].lower()
            expected["/".join(parts)] = ("file", item["size"], seconds, digest)
    return expected


def _seconds(time):
    if isinstance(time, (int, float)):
        return int(time)
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())


def assert_equal_to_server(mount, drive="default"):
    """Every name, kind, size, mtime and byte below the mount is the server's."""
    expected, found = truth(mount.account.emulator, drive), walk(mount.path)
    wrong = {
        path: (expected.get(path), found.get(path))
        for path in expected.keys() | found.keys()
        if expected.get(path) != found.get(path)
    }
    assert not wrong, f"(server, mount) differ: {dict(sorted(wrong.items())[:20])}"
