# SPDX-License-Identifier: MIT
"""What a directory must hold after what was done to it, also if the last call was cut off.

A Recorder carries out calls below one directory and notes what each makes of it. When a call fails
since the daemon was killed in it, the directory holds one of the trees in `possible`: every call that
returned is kept, the last one happened or did not. A write may have happened in part: the kernel
cuts it where it likes, but only where pages of the file end.
"""

import hashlib
import os
import pathlib

PAGE_BYTES = 4096


class Tree:
    """{relative path: bytes of a file, or None for a folder}, and the times that were set."""

    def __init__(self, entries=(), times=()):
        self.entries = dict(entries)
        self.times = dict(times)

    def copy(self):
        return Tree(self.entries, self.times)

    def put(self, path, data):
        self.entries[path] = data
        self.times.pop(path, None)

    def remove(self, path):
        del self.entries[path]
        self.times.pop(path, None)

    def move(self, path, to):
        """Takes what is below along, and the place of what is there."""
        for names in (self.entries, self.times):
            names.pop(to, None)
            for name in [one for one in names if one == path or one.startswith(path + "/")]:
                names[to + name[len(path):]] = names.pop(name)

    def digests(self):
        return {name: data if data is None else hashlib.sha256(data).hexdigest()
                for name, data in self.entries.items()}


class Handle:
    """An open file."""

    def __init__(self, recorder, path, number):
        self._recorder = recorder
        self.path = path
        self.number = number

    def write(self, data, offset):
        if not data:
            return  # which would change nothing, the size neither
        last = offset + len(data)
        ends = [*range(offset - offset % PAGE_BYTES + PAGE_BYTES, last, PAGE_BYTES), last]
        steps = [self._written(data[:end - offset], offset) for end in ends]
        self._recorder.call(steps, _write_all, self.number, data, offset)

    def _written(self, data, offset):
        tree = self._recorder.before.copy()
        old = tree.entries[self.path]
        old += bytes(max(0, offset - len(old)))
        tree.put(self.path, old[:offset] + data + old[offset + len(data):])
        return tree

    def fsync(self):
        self._recorder.call([], os.fsync, self.number)

    def close(self):
        number, self.number = self.number, None
        self._recorder.handles.remove(self)
        self._recorder.call([], os.close, number)


def _write_all(number, data, offset):
    """A call that was cut off in the middle doesn't say so: the next one does."""
    while data:
        written = os.pwrite(number, data, offset)
        data = data[written:]
        offset += written


class Recorder:
    """Paths are relative to `top`, which holds what `tree` says."""

    def __init__(self, top, tree):
        self.top = pathlib.Path(top)
        self.before = tree.copy()
        self.possible = [self.before]
        self.handles = []
        self.on_call = lambda: None  # runs as each begins

    def call(self, steps, function, *arguments):
        """steps: what the call makes of the tree, one after the other."""
        self.possible = [self.before, *steps]
        self.on_call()
        result = function(*arguments)
        self.before = self.possible[-1]
        self.possible = [self.before]
        return result

    def open(self, path, flags=0):
        """flags: O_CREAT, O_TRUNC."""
        after = self.before.copy()
        if flags & os.O_TRUNC or path not in after.entries:
            after.put(path, b"")
        number = self.call([after], os.open, self.top / path, os.O_RDWR | flags, 0o644)
        handle = Handle(self, path, number)
        self.handles.append(handle)
        return handle

    def write_file(self, path, data):
        """As programs do: made or emptied, written, closed."""
        handle = self.open(path, os.O_CREAT | os.O_TRUNC)
        handle.write(data, 0)
        handle.close()

    def truncate(self, path, size):
        after = self.before.copy()
        after.put(path, after.entries[path][:size].ljust(size, b"\0"))
        self.call([after], os.truncate, self.top / path, size)

    def utime(self, path, mtime_s):
        after = self.before.copy()
        after.times[path] = mtime_s
        self.call([after], os.utime, self.top / path, (mtime_s, mtime_s))

    def mkdir(self, path):
        after = self.before.copy()
        after.put(path, None)
        self.call([after], os.mkdir, self.top / path)

    def unlink(self, path):
        after = self.before.copy()
        after.remove(path)
        self.call([after], os.unlink, self.top / path)

    def rmdir(self, path):
        after = self.before.copy()
        after.remove(path)
        self.call([after], os.rmdir, self.top / path)

    def rename(self, path, to):
        after = self.before.copy()
        after.move(path, to)
        self.call([after], os.rename, self.top / path, self.top / to)
        for handle in self.handles:
            if handle.path == path or handle.path.startswith(path + "/"):
                handle.path = to + handle.path[len(path):]

    def give_up(self):
        """Closes what a killed daemon leaves open."""
        for handle in self.handles:
            try:
                os.close(handle.number)
            except OSError:
                pass
        self.handles = []


def found_in(top):
    """The tree that is there, with the times of all files."""
    found = Tree()
    for directory, folders, files in os.walk(top, onerror=_raise):
        base = pathlib.Path(directory).relative_to(top)
        for name in folders:
            found.put(str(base / name), None)
        for name in files:
            path = pathlib.Path(directory) / name
            found.put(str(base / name), path.read_bytes())
            found.times[str(base / name)] = int(os.lstat(path).st_mtime)
    return found


def _raise(error):
    raise error


def agrees(found, expected):
    return found.entries == expected.entries and \
        expected.times.items() <= found.times.items()


def assert_one_of(found, possible, what):
    wrong = "; or ".join(difference(found, tree) for tree in possible)
    assert any(agrees(found, tree) for tree in possible), f"{what}: {wrong}"


def difference(found, expected):
    """For a person."""
    names = sorted(found.entries.keys() | expected.entries.keys())
    lines = []
    for name in names:
        has, wants = (tree.entries.get(name, "nothing") for tree in (found, expected))
        if has != wants:
            lines.append(f"{name}: {_brief(has)}, not {_brief(wants)}")
        elif found.times.get(name) != expected.times.get(name, found.times.get(name)):
            lines.append(f"{name}: time {found.times[name]}, not {expected.times[name]}")
    return "; ".join(lines) or "nothing"


def _brief(data):
    if data is None:
        return "a folder"
    if isinstance(data, str):
        return data
    return f"{len(data)} bytes ({data[:12]!r}…)"
