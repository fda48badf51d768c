# SPDX-License-Identifier: MIT
"""The same operations, drawn from a seed, on two directories: their results must be the same.

One is an ordinary directory, the other is under test. What an operation gives back, an errno
included, is compared at once, so that the first difference is found where it arises. Times that
were not set by an operation are told apart from set ones, but not from each other.
"""

import ctypes
import errno
import mmap
import os
import random
import stat

NAMES = ["a", "b", "file.txt", "folder", "\u00e4 name", "x" * 100]
# No file can have it.
TOO_LONG = "y" * 256
SIZES = [0, 1, 100, 4095, 4096, 5000, 70_000, 200_000]
SET_TIMES_S = range(1_000_000_000, 1_400_000_000)
MODES = [0o600, 0o644, 0o444, 0o755, 0o700, 0o666]
HANDLES_MAX = 5
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

ACCESS = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR]
FLAGS = [0, os.O_CREAT, os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_CREAT | os.O_TRUNC, os.O_TRUNC,
         os.O_APPEND, os.O_CREAT | os.O_APPEND, os.O_DIRECTORY, os.O_NOFOLLOW]

_libc = ctypes.CDLL(None, use_errno=True)

# What the directory under test refuses by design where the other one doesn't.
BY_DESIGN = {"symlink": errno.EPERM, "link": errno.EPERM, "mkfifo": errno.EPERM}


class Difference(AssertionError):
    """What the two directories did differently, and how they got there."""


def _rename(source, target, flags):
    names = os.fsencode(source), os.fsencode(target)
    if _libc.renameat2(-100, names[0], -100, names[1], flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def described_time(ns):
    """A time that an operation has set, or None: some moment of the test."""
    return ns if ns // 10**9 in SET_TIMES_S else None


def _described(status):
    """Of what has no name any more, the size alone."""
    if status.st_nlink == 0:
        return status.st_size
    is_folder = stat.S_ISDIR(status.st_mode)
    size = None if is_folder else status.st_size
    return (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), size,
            described_time(status.st_mtime_ns))


def _read_all(path):
    with open(path, "rb") as file:
        return file.read()


def _with_open(path, flags, use):
    handle = os.open(path, flags, 0o666)
    try:
        return use(handle)
    finally:
        os.close(handle)


def _map_and_write(path, offset, data):
    def write(handle):
        size = os.fstat(handle).st_size
        if size == 0 or offset + len(data) > size:
            return None
        with mmap.mmap(handle, size) as view:
            view[offset:offset + len(data)] = data
            view.flush()
            return bytes(view)
    return _with_open(path, os.O_RDWR, write)


class Side:
    """One of the two directories, with what is open in it."""

    def __init__(self, top):
        self.top = str(top)
        self.handles = {}

    def path(self, name):
        return os.path.join(self.top, name)

    def close(self):
        for handle in self.handles.values():
            os.close(handle)
        self.handles.clear()


# ---- operations: each has its arguments drawn once, and is then done on both sides ----

OPERATIONS = []


def operation(weight):
    """`draw(twins)` gives the arguments; the decorated function does it on one side."""
    def add(do):
        OPERATIONS.append((do.__name__.removeprefix("_do_"), weight, do))
        return do
    return add


@operation(6)
def _do_open(side, name, number, flags, mode):
    side.handles[number] = os.open(side.path(name), flags, mode)


@operation(4)
def _do_close(side, number):
    os.close(side.handles.pop(number))


@operation(8)
def _do_pwrite(side, number, data, offset):
    return os.pwrite(side.handles[number], data, offset)


@operation(4)
def _do_write(side, number, data):
    return os.write(side.handles[number], data), os.lseek(side.handles[number], 0, os.SEEK_CUR)


@operation(4)
def _do_pread(side, number, size, offset):
    return os.pread(side.handles[number], size, offset)


@operation(3)
def _do_ftruncate(side, number, size):
    os.ftruncate(side.handles[number], size)


@operation(2)
def _do_fallocate(side, number, offset, size):
    os.posix_fallocate(side.handles[number], offset, size)


@operation(2)
def _do_fstat(side, number):
    return _described(os.fstat(side.handles[number]))


@operation(1)
def _do_fsync(side, number):
    os.fsync(side.handles[number])


@operation(1)
def _do_seek_end(side, number):
    if stat.S_ISDIR(os.fstat(side.handles[number]).st_mode):
        return None
    return os.lseek(side.handles[number], 0, os.SEEK_END)


@operation(1)
def _do_futimens(side, number, time_ns):
    os.utime(side.handles[number], ns=(time_ns, time_ns))


@operation(8)
def _do_put(side, name, data):
    with open(side.path(name), "wb") as file:
        file.write(data)


@operation(4)
def _do_append(side, name, data):
    with open(side.path(name), "ab") as file:
        file.write(data)


@operation(6)
def _do_read(side, name):
    return _read_all(side.path(name))


@operation(3)
def _do_truncate(side, name, size):
    os.truncate(side.path(name), size)


@operation(3)
def _do_map(side, name, offset, data):
    return _map_and_write(side.path(name), offset, data)


@operation(3)
def _do_copy(side, name, other):
    def copy(source):
        return _with_open(side.path(other), os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                          lambda target: os.copy_file_range(source, target, 1 << 20))
    if name == other:
        return None
    return _with_open(side.path(name), os.O_RDONLY, copy)


@operation(12)
def _do_rename(side, name, other, flags):
    _rename(side.path(name), side.path(other), flags)


@operation(8)
def _do_mkdir(side, name, mode):
    os.mkdir(side.path(name), mode)


@operation(5)
def _do_rmdir(side, name):
    os.rmdir(side.path(name))


@operation(6)
def _do_unlink(side, name):
    os.unlink(side.path(name))


@operation(5)
def _do_list(side, name):
    with os.scandir(side.path(name)) as entries:
        return sorted((entry.name, entry.is_dir()) for entry in entries)


@operation(6)
def _do_stat(side, name):
    return _described(os.lstat(side.path(name)))


@operation(4)
def _do_utimens(side, name, time_ns):
    os.utime(side.path(name), ns=(time_ns, time_ns))


@operation(3)
def _do_chmod(side, name, mode):
    os.chmod(side.path(name), mode)


@operation(1)
def _do_symlink(side, name):
    os.symlink("a", side.path(name))


@operation(1)
def _do_link(side, name, other):
    os.link(side.path(name), side.path(other))


@operation(1)
def _do_mkfifo(side, name):
    os.mkfifo(side.path(name))


class Twins:
    """Draws operations and does them on both sides."""

    def __init__(self, seed, plain, tested):
        self.seed = seed
        self.random = random.Random(seed)
        self.plain, self.tested = Side(plain), Side(tested)
        self.done = []
        self._next_handle = 0

    def run(self, count):
        for _ in range(count):
            self.step()

    def close(self):
        self.plain.close()
        self.tested.close()

    def step(self):
        name, _, do = self.random.choices(OPERATIONS, [weight for _, weight, _ in OPERATIONS])[0]
        arguments = self._draw(do)
        if arguments is None:
            return
        self.done.append((name, arguments))
        if name in BY_DESIGN:
            self._check_refusal(name, do, arguments)
            return
        results = [self._result(do, side, arguments) for side in (self.plain, self.tested)]
        if results[0] != results[1]:
            raise Difference(self._tell(results))

    def _check_refusal(self, name, do, arguments):
        """It isn't done on the plain side, where it might succeed."""
        result = self._result(do, self.tested, arguments)
        # What the kernel has to say first: of names that are there, or aren't, or can't be.
        allowed = [("error", errno.errorcode[code]) for code in
                   (BY_DESIGN[name], errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)]
        if result not in allowed:
            raise Difference(self._tell([allowed[0], result]))

    @staticmethod
    def _result(do, side, arguments):
        try:
            return do(side, **arguments)
        except OSError as error:
            return "error", errno.errorcode[error.errno]

    def _tell(self, results):
        lines = [f"  {name} {_short(arguments)}" for name, arguments in self.done[-40:]]
        return "\n".join([f"seed {self.seed}, operation {len(self.done)}:", *lines,
                          f"plain:  {_short(results[0])}", f"tested: {_short(results[1])}"])

    # ---- arguments ----

    def _draw(self, do):
        """None: it can't be done now."""
        wanted = do.__code__.co_varnames[1:do.__code__.co_argcount]
        if "number" in wanted and do.__name__ != "_do_open" and not self.tested.handles:
            return None
        if do.__name__ == "_do_open" and len(self.tested.handles) >= HANDLES_MAX:
            return None
        return {name: getattr(self, f"_draw_{name}")(do) for name in wanted}

    def _draw_name(self, _):
        depth = self.random.choice([1, 1, 2, 2, 3])
        names = [self.random.choice(NAMES) for _ in range(depth)]
        if self.random.random() < 0.01:
            names[-1] = TOO_LONG
        return "/".join(names)

    _draw_other = _draw_name

    def _draw_number(self, do):
        if do.__name__ == "_do_open":
            self._next_handle += 1
            return self._next_handle
        return self.random.choice(sorted(self.tested.handles))

    def _draw_flags(self, do):
        if do.__name__ == "_do_rename":
            return self.random.choice([0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE])
        return self.random.choice(ACCESS) | self.random.choice(FLAGS)

    def _draw_mode(self, _):
        return self.random.choice(MODES)

    def _draw_size(self, _):
        return self.random.choice(SIZES) + self.random.choice([0, 0, 1])

    def _draw_offset(self, _):
        return self.random.choice([0, 0, 1, 4096, self.random.randrange(150_000)])

    def _draw_data(self, _):
        return self.random.randbytes(self.random.choice(SIZES))

    def _draw_time_ns(self, _):
        return self.random.choice(SET_TIMES_S) * 10**9 + self.random.choice([0, 500_000_000])


def _short(value):
    if isinstance(value, bytes):
        return f"{len(value)} bytes {value[:8].hex()}"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_short(one)}" for name, one in value.items())
    if isinstance(value, str) and len(value) > 60:
        return value.replace("x" * 100, "xxx").replace("y" * 256, "yyyy")
    return repr(value)
