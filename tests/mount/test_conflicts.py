# SPDX-License-Identifier: MIT
"""Changes here and on the server at the same time: what comes out is in tests/lib/conflicts.py.

All cells are played on one mount, each in a folder of its own: what was changed here rests until
the server's changes are made, and is sent then. That is done twice: with a round in between, so
that what changed there is known here, and without.
"""

import os
import re
import shutil

import pytest

import edits
from conflicts import TABLES, WORDS, all_cells
from documents import tables_of
from trees import assert_equal_to_server

CELLS = list(all_cells())
REST_S = 600
# What the service refuses because it lags is sent again, after a pause each time.
PAUSES = 20
PAUSE_MS = 30_000
TIMES = {"here": (1_000_000_000, "2001-09-09T01:46:40Z"), "there": (1_100_000_000, "2004-11-09T11:33:20Z")}
CONFLICT = re.compile(r" \(conflict \S+ \d{4}-\d\d-\d\d \d{6}\)")


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def write(path, words):
    with open(path, "r+b") as file:
        file.write((words[0] if words else "here").encode())
        file.truncate()


def create(path, words):
    with open(path, "xb") as file:
        file.write((words[0] if words else "here").encode())


HERE = {
    "create": lambda top, path, *words: create(top / path, words),
    "write": lambda top, path, *words: write(top / path, words),
    "touch": lambda top, path, side="here": os.utime(top / path, (TIMES[side][0],) * 2),
    "mkdir": lambda top, path: os.mkdir(top / path),
    "move": lambda top, path, to: os.rename(top / path, top / to),
    "delete": lambda top, path: remove(top / path),
}

THERE = {
    "create": lambda top, path, data="there": edits.create(f"{top}/{path}", data),
    "write": lambda top, path, data="there": edits.write(f"{top}/{path}", data),
    "touch": lambda top, path: edits.touch(f"{top}/{path}", TIMES["there"][1]),
    "mkdir": lambda top, path: edits.mkdir(f"{top}/{path}"),
    "move": lambda top, path, to: edits.move(f"{top}/{path}", f"{top}/{to}"),
    "delete": lambda top, path: edits.delete(f"{top}/{path}"),
}


def folder_of(number):
    return f"cell {number}"


def start_edits():
    for number, cell in enumerate(CELLS):
        top = "/" + folder_of(number)
        yield edits.mkdir(top)
        for path in cell.start:
            if path.endswith("/"):
                yield edits.mkdir(f"{top}/{path[:-1]}")
            else:
                yield edits.create(f"{top}/{path}", "base")


def there_edits():
    for number, cell in enumerate(CELLS):
        for operation, *words in cell.there:
            yield THERE[operation]("/" + folder_of(number), *words)


def change_here(mount):
    for number, cell in enumerate(CELLS):
        for operation, *words in cell.here:
            HERE[operation](mount / folder_of(number), *words)


def items_of(world):
    """The server's truth: {path: item}."""
    return {item["path"].strip("/"): item for item in world.emulator.tree()["items"]}


def is_sent(mount):
    return mount.status()["changes"]["pending"] == 0


def send(mount):
    """Without a round as long as that leads to anything, then with rounds."""
    mount.clock(REST_S * 1000)
    for _ in range(PAUSES):
        if is_sent(mount):
            break
        mount.clock(PAUSE_MS)
    for _ in range(PAUSES):
        mount.settle()
        if is_sent(mount):
            break
        mount.clock(PAUSE_MS)


class Played:
    """All cells, played on one mount."""

    def __init__(self, world, is_known, is_killed):
        self.world = world
        world.edit(*start_edits())
        self.mount = world.mount(options=["experimental_writing", f"upload_delay={REST_S}"])
        self.mount.settle()
        self.start = items_of(world)
        change_here(self.mount)
        world.edit(*there_edits())
        self.changed = items_of(world)
        if is_known:
            self.mount.settle()
        if is_killed:
            self.mount.kill9()
            self.mount.clean_up()
            self.mount.start()
        send(self.mount)
        self.end = items_of(world)

    def origins(self, number):
        """{id: where the item came from}, of one cell."""
        prefix = folder_of(number) + "/"
        at_first = {item["id"]: path.removeprefix(prefix) for path, item in self.start.items()}
        made = {item["id"]: "there" for item in self.changed.values()}
        return {**made, **at_first}

    def result(self, number):
        """{path: (content, mtime, origin)} of one cell, the path with "!" for a conflict's mark."""
        prefix, origins = folder_of(number) + "/", self.origins(number)
        found = {}
        for path, item in self.end.items():
            if path.startswith(prefix):
                name = CONFLICT.sub("!", path.removeprefix(prefix))
                is_file = item["type"] == "file"
                content = (self.mount / path).read_text() if is_file else None
                found[name if is_file else name + "/"] = (
                    content, item["mtime"] if is_file else None, origins.get(item["id"], "here"))
        return found


def writable(make_world, profile="business", arguments=()):
    world = make_world(profile=profile, arguments=arguments, login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    return world


# The service; whether what changes there is known here before anything is sent, and whether the
# daemon is killed before that.
PLAYED = {
    "business, not known yet": ("business", [], False, False),
    "business, known": ("business", [], True, False),
    "business with tags that move, not known yet":
        ("business", ["--session-moves-tag"], False, False),
    "consumer, not known yet": ("consumer", [], False, False),
    "consumer, known, killed": ("consumer", [], True, True),
}


@pytest.fixture(scope="module", params=PLAYED.values(), ids=PLAYED.keys())
def played(request, make_shared_world):
    profile, arguments, is_known, is_killed = request.param
    return Played(writable(make_shared_world, profile, arguments), is_known, is_killed)


def expectation(text):
    """"PATH=CONTENT~SIDE@ORIGIN" as (path, content, side, origin)."""
    text, _, origin = text.partition("@")
    path, _, content = text.partition("=")
    content, _, side = content.partition("~")
    return path, content or None, side, origin


def is_left_out(path, result, cell):
    """Folders that hold something, or that were empty from the start."""
    holds = any(other.startswith(path) and other != path for other in result)
    return path.endswith("/") and (holds or path in cell.start)


@pytest.mark.parametrize("number", range(len(CELLS)), ids=[cell.name for cell in CELLS])
def test_changes_on_both_sides_end_as_the_table_says(played, number):
    cell, result = CELLS[number], played.result(number)
    expected = [expectation(text) for text in cell.end]
    told = {path for path, *_ in expected}
    found = {path for path in result if path in told or not is_left_out(path, result, cell)}
    assert found == told
    for path, content, side, origin in expected:
        is_content, mtime, is_origin = result[path]
        assert (path, is_content, is_origin) == (path, content, origin)
        assert not side or mtime == TIMES[side][1]


def test_nothing_is_left_to_be_sent_and_both_sides_are_equal(played):
    changes = played.mount.status()["changes"]
    assert (changes["pending"], changes["blocked"]) == (0, 0)
    assert_equal_to_server(played.mount)


def conflict(make_world, name):
    """A mount in which this file was changed here, and is sent when it was on the server, too."""
    world = writable(make_world)
    world.edit(edits.create("/" + name, "base"))
    mount = world.mount(options=["experimental_writing", f"upload_delay={REST_S}"])
    mount.settle()
    (mount / name).write_text("here")
    world.edit(edits.write("/" + name, "there"))
    return mount


def test_who_has_a_file_open_goes_with_the_conflict_copy(make_world):
    mount = conflict(make_world, "file.txt")
    with open(mount / "file.txt", "rb", buffering=0) as file:
        send(mount)
        copy, = (name for name in os.listdir(mount) if CONFLICT.search(name))
        assert os.fstat(file.fileno()).st_ino == os.stat(mount / copy).st_ino
        assert os.stat(mount / "file.txt").st_ino != os.stat(mount / copy).st_ino
        assert file.read() == b"here"
    assert (mount / "file.txt").read_text() == "there"


def test_who_writes_meanwhile_writes_to_the_conflict_copy(make_world):
    mount = conflict(make_world, "file.txt")
    with open(mount / "file.txt", "r+b", buffering=0) as file:
        number = os.fstat(file.fileno()).st_ino
        mount.settle()
        file.write(b"HERE")
        mount.clock(REST_S * 1000)
        mount.settle()
        file.write(b", and there is more")
        assert os.fstat(file.fileno()).st_ino == number
        assert os.pread(file.fileno(), 100, 0) == b"HERE, and there is more"
    send(mount)
    copy, = (name for name in os.listdir(mount) if CONFLICT.search(name))
    assert os.stat(mount / copy).st_ino == number
    assert (mount / copy).read_bytes() == b"HERE, and there is more"
    assert (mount / "file.txt").read_text() == "there"
    assert_equal_to_server(mount)


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "\u6f22" * 251 + ".txt", "x" * 255])
def test_the_name_of_a_conflict_copy_is_cut_to_fit(make_world, name):
    mount = conflict(make_world, name)
    send(mount)
    copy, = (other for other in os.listdir(mount) if other != name)
    assert CONFLICT.search(copy) and len(copy) <= 255
    assert copy.endswith(".txt") == name.endswith(".txt")
    assert ((mount / name).read_text(), (mount / copy).read_text()) == ("there", "here")
    assert_equal_to_server(mount)


def test_no_cell_of_the_tables_loses_what_was_saved():
    for cell in CELLS:
        end = {expectation(text)[1] for text in cell.end}
        for side, steps in (("here", cell.here), ("there", cell.there)):
            for operation, _, *words in steps:
                if operation in ("write", "create"):
                    assert (words[0] if words else side) in end, cell.name


@pytest.mark.parametrize("number, subject", enumerate(TABLES), ids=TABLES)
def test_the_document_has_the_same_tables(number, subject):
    columns, *rows = tables_of("### Changed here and on the server", "operation here")[number]
    _, _, table = TABLES[subject]
    found = {row[0]: {there: word for there, word in zip(columns[1:-1], row[1:]) if word}
             for row in rows}
    assert found == {here: {there: end.partition(":")[0] for there, end in row.items()}
                     for here, row in table.items()}
    assert {word for row in found.values() for word in row.values()} <= set(WORDS)
