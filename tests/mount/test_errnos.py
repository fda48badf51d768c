# SPDX-License-Identifier: MIT
"""What a mount refuses, and with which errno: the table of docs/SEMANTICS.md, row by row.

Each case is one call, or what leads to it, on the tree of START, which it leaves as it was.
"""

import ctypes
import errno
import os
import stat
import subprocess
import sys
import tempfile

import pytest

import edits
from documents import tables_of

START = [
    edits.mkdir("/empty"),
    edits.mkdir("/folder"),
    edits.mkdir("/folder/sub"),
    edits.create("/file", b"content"),
    edits.create("/Other", b"other"),
    edits.create("/folder/inside", b"inside"),
    edits.create("/bad", b"harmful"),
    edits.malware("/bad"),
    edits.special("/Notebook", "package"),
    edits.mkdir("/team", drive="shared"),
    edits.create("/team/plan.txt", b"the plan", drive="shared"),
    edits.special("/Team", "shortcut-folder"),
]

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
FALLOC_FL_PUNCH_HOLE = 2 | 1
HUGE = 1 << 60


def called(result):
    """Raises the error of a call of the C library."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def renameat2(path, to, flags):
    called(LIBC.renameat2(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(to), flags))


def getxattr_into(path, name, size):
    buffer = ctypes.create_string_buffer(size)
    called(LIBC.getxattr(os.fsencode(path), name, buffer, ctypes.c_size_t(size)))


def with_open(path, flags, call):
    descriptor = os.open(path, flags)
    try:
        call(descriptor)
    finally:
        os.close(descriptor)


def fallocate(descriptor, mode, offset, length):
    called(LIBC.fallocate(descriptor, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def in_removed_folder(at, call):
    """Calls in a folder that is gone, though somebody has it open."""
    os.mkdir(at("gone"))
    descriptor = os.open(at("gone"), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.rmdir(at("gone"))
        call(descriptor)
    finally:
        os.close(descriptor)


def create(path, flags=os.O_EXCL):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | flags))


def write_new(path, size):
    try:
        with open(path, "xb", buffering=0) as file:
            while size > 0:
                size -= file.write(bytes(size))
    finally:
        if os.path.lexists(path):
            os.unlink(path)


LONG = "x" * 256
WIDE = "\u6f22" * 256

# operation, errno: {case: the call}
ROWS = {
    ("open", "ENOENT"): {
        "a name that isn't there": lambda at: os.open(at("none"), os.O_RDONLY),
        "in a folder that isn't there": lambda at: create(at("none/new")),
        "of a new file in a folder that was removed":
            lambda at: in_removed_folder(at, lambda fd: os.open("new", os.O_CREAT, dir_fd=fd)),
    },
    ("open", "ENOTDIR"): {
        "below a file": lambda at: os.open(at("file/x"), os.O_RDONLY),
        "of a new file below a file": lambda at: create(at("file/x")),
        "of a file with `O_DIRECTORY`": lambda at: os.open(at("file"), os.O_DIRECTORY),
    },
    ("open", "EISDIR"): {
        "of a folder for writing": lambda at: os.open(at("folder"), os.O_WRONLY),
        "of a folder with `O_CREAT`": lambda at: create(at("folder"), 0),
    },
    ("open", "EEXIST"): {
        "with `O_EXCL`, of what is there": lambda at: create(at("file")),
        "of a new name that differs only in case from one that is there":
            lambda at: create(at("FILE"), 0),
    },
    ("open", "EINVAL"): {
        "of a new name with a trailing colon": lambda at: create(at("new:")),
    },
    ("open", "ENAMETOOLONG"): {
        "of a new name of more than 255 UTF-16 units": lambda at: create(at(LONG)),
        "the same, in other letters": lambda at: create(at(WIDE)),
    },
    ("open", "EILSEQ"): {
        "of a new name that isn't UTF-8": lambda at: create(os.fsencode(at("new")) + b"\xff"),
    },
    ("open", "EPERM"): {
        "of a new name for a desktop's trash": lambda at: create(at(".Trash-1000")),
    },
    ("open", "EACCES"): {
        "of what the service calls malware": lambda at: os.open(at("bad"), os.O_RDONLY),
    },
    ("mkdir", "EEXIST"): {
        "a folder's name": lambda at: os.mkdir(at("folder")),
        "a file's name": lambda at: os.mkdir(at("file")),
        "a name that differs only in case": lambda at: os.mkdir(at("FOLDER")),
        "`.graphfs` in the mount's root": lambda at: os.mkdir(at(".graphfs")),
    },
    ("mkdir", "ENOENT"): {
        "in a folder that isn't there": lambda at: os.mkdir(at("none/new")),
        "in a folder that was removed":
            lambda at: in_removed_folder(at, lambda fd: os.mkdir("new", dir_fd=fd)),
    },
    ("mkdir", "ENOTDIR"): {"below a file": lambda at: os.mkdir(at("file/x"))},
    ("mkdir", "EINVAL"): {"a trailing colon": lambda at: os.mkdir(at("new:"))},
    ("mkdir", "ENAMETOOLONG"): {"more than 255 UTF-16 units": lambda at: os.mkdir(at(LONG))},
    ("mkdir", "EPERM"): {"a desktop's trash": lambda at: os.mkdir(at(".Trash"))},
    ("mknod", "EPERM"): {
        "a pipe": lambda at: os.mkfifo(at("new")),
        "a socket": lambda at: os.mknod(at("new"), stat.S_IFSOCK | 0o600),
    },
    ("symlink", "EPERM"): {"any": lambda at: os.symlink("file", at("new"))},
    ("link", "EPERM"): {"any": lambda at: os.link(at("file"), at("new"))},
    ("unlink", "ENOENT"): {
        "a name that isn't there": lambda at: os.unlink(at("none")),
        "a name in another case": lambda at: os.unlink(at("FILE")),
    },
    ("unlink", "EISDIR"): {"a folder": lambda at: os.unlink(at("empty"))},
    ("unlink", "ENOTDIR"): {"below a file": lambda at: os.unlink(at("file/x"))},
    ("rmdir", "ENOENT"): {"a name that isn't there": lambda at: os.rmdir(at("none"))},
    ("rmdir", "ENOTDIR"): {"a file": lambda at: os.rmdir(at("file"))},
    ("rmdir", "ENOTEMPTY"): {"a folder with something in it": lambda at: os.rmdir(at("folder"))},
    ("rmdir", "EBUSY"): {"the mount's root": lambda at: os.rmdir(at(""))},
    ("rmdir", "EINVAL"): {"`.`": lambda at: os.rmdir(at("empty/."))},
    ("rmdir", "EPERM"): {"a notebook": lambda at: os.rmdir(at("Notebook"))},
    ("rename", "ENOENT"): {
        "a name that isn't there": lambda at: os.rename(at("none"), at("new")),
        "to a folder that isn't there": lambda at: os.rename(at("file"), at("none/new")),
        "an exchange with what isn't there":
            lambda at: renameat2(at("file"), at("none"), RENAME_EXCHANGE),
    },
    ("rename", "EEXIST"): {
        "to a name that differs only in case from another thing's":
            lambda at: os.rename(at("file"), at("OTHER")),
        "with `RENAME_NOREPLACE`, to what is there":
            lambda at: renameat2(at("file"), at("Other"), RENAME_NOREPLACE),
    },
    ("rename", "ENOTEMPTY"): {
        "a folder to one with something in it": lambda at: os.rename(at("empty"), at("folder")),
    },
    ("rename", "ENOTDIR"): {"a folder to a file": lambda at: os.rename(at("folder"), at("file"))},
    ("rename", "EISDIR"): {"a file to a folder": lambda at: os.rename(at("file"), at("empty"))},
    ("rename", "EINVAL"): {
        "a folder into itself": lambda at: os.rename(at("folder"), at("folder/sub/x")),
        "an exchange of a folder with what is in it":
            lambda at: renameat2(at("folder"), at("folder/sub"), RENAME_EXCHANGE),
        "to a trailing colon": lambda at: os.rename(at("file"), at("new:")),
        "with `RENAME_WHITEOUT`": lambda at: renameat2(at("file"), at("new"), RENAME_WHITEOUT),
    },
    ("rename", "ENAMETOOLONG"): {
        "to more than 255 UTF-16 units": lambda at: os.rename(at("file"), at(LONG)),
    },
    ("rename", "EPERM"): {
        "to a desktop's trash": lambda at: os.rename(at("file"), at(".Trash-0")),
        "a notebook": lambda at: os.rename(at("Notebook"), at("new")),
    },
    ("rename", "EXDEV"): {
        "into a shared folder": lambda at: os.rename(at("file"), at("Team/file")),
        "out of a shared folder": lambda at: os.rename(at("Team/plan.txt"), at("plan.txt")),
        "of what the service has to a name that isn't sent":
            lambda at: os.rename(at("file"), at("desktop.ini")),
    },
    ("read", "EISDIR"): {
        "of a folder": lambda at: with_open(at("folder"), os.O_RDONLY, lambda fd: os.read(fd, 1)),
    },
    ("read", "EBADF"): {
        "of what is open for writing alone":
            lambda at: with_open(at("file"), os.O_WRONLY, lambda fd: os.read(fd, 1)),
    },
    ("write", "EBADF"): {
        "to what is open for reading alone":
            lambda at: with_open(at("file"), os.O_RDONLY, lambda fd: os.write(fd, b"x")),
    },
    ("write", "EFBIG"): {
        "beyond what a file can hold":
            lambda at: with_open(at("file"), os.O_WRONLY, lambda fd: os.pwrite(fd, b"x", HUGE)),
    },
    ("truncate", "ENOENT"): {"a name that isn't there": lambda at: os.truncate(at("none"), 0)},
    ("truncate", "EISDIR"): {"a folder": lambda at: os.truncate(at("folder"), 0)},
    ("truncate", "EINVAL"): {
        "to less than nothing": lambda at: os.truncate(at("file"), -1),
        "what is open for reading alone":
            lambda at: with_open(at("file"), os.O_RDONLY, lambda fd: os.ftruncate(fd, 0)),
    },
    ("truncate", "EFBIG"): {
        "to more than a file can hold": lambda at: os.truncate(at("file"), HUGE),
    },
    ("fallocate", "EOPNOTSUPP"): {
        "a hole":
            lambda at: with_open(at("file"), os.O_RDWR,
                                 lambda fd: fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1)),
    },
    ("fallocate", "EBADF"): {
        "what is open for reading alone":
            lambda at: with_open(at("file"), os.O_RDONLY, lambda fd: fallocate(fd, 0, 0, 1)),
    },
    ("fallocate", "EINVAL"): {
        "no length": lambda at: with_open(at("file"), os.O_RDWR, lambda fd: fallocate(fd, 0, 0, 0)),
    },
    ("fallocate", "EFBIG"): {
        "beyond what a file can hold":
            lambda at: with_open(at("file"), os.O_RDWR, lambda fd: fallocate(fd, 0, HUGE, 1)),
    },
    ("lseek", "ENXIO"): {
        "for data behind the end":
            lambda at: with_open(at("file"), os.O_RDONLY,
                                 lambda fd: os.lseek(fd, 100, os.SEEK_DATA)),
    },
    ("getxattr", "ENODATA"): {
        "an attribute that isn't there": lambda at: os.getxattr(at("file"), "user.none"),
    },
    ("getxattr", "ERANGE"): {
        "into less than it takes": lambda at: getxattr_into(at("file"), b"user.graphfs.id", 1),
    },
    ("setxattr", "EEXIST"): {
        "with `XATTR_CREATE`, what is there":
            lambda at: os.setxattr(at("file"), "user.graphfs.pinned", b"1", os.XATTR_CREATE),
    },
    ("setxattr", "ENODATA"): {
        "with `XATTR_REPLACE`, what isn't there":
            lambda at: os.setxattr(at("file"), "user.none", b"1", os.XATTR_REPLACE),
    },
    ("setxattr", "EINVAL"): {
        "`user.graphfs.pinned` to something else than 0 or 1":
            lambda at: os.setxattr(at("file"), "user.graphfs.pinned", b"2"),
    },
    ("stat", "ENOENT"): {
        "a name that isn't there": lambda at: os.stat(at("none")),
        "a name in another case": lambda at: os.stat(at("FILE")),
        "a trailing colon": lambda at: os.stat(at("file:")),
    },
}


# The same of a mount with an option.
ROOM_ROWS = {
    ("write", "EDQUOT"): ("dirty_limit=1M", {
        "more than `dirty_limit` lets": lambda at: write_new(at("new"), 2 << 20),
    }),
    ("write", "ENOSPC"): ("min_free=1000T", {
        "into the disk space that `min_free` leaves": lambda at: write_new(at("new"), 1),
        "the same, over what is there":
            lambda at: with_open(at("file"), os.O_WRONLY, lambda fd: os.write(fd, b"x")),
    }),
}

# What another user calls whom `allow_other` lets in, and which case that is.
MODE_ROWS = {
    ("open for writing", "EACCES"):
        ("open('file', os.O_WRONLY)", "what the file's mode forbids"),
    ("create", "EACCES"):
        ("open('new', os.O_WRONLY | os.O_CREAT)", "in a folder whose mode forbids it"),
    ("remove", "EACCES"): ("rmdir('empty')", "from a folder whose mode forbids it"),
    ("chmod", "EPERM"): ("chmod('file', 0o777)", "what belongs to somebody else"),
    ("chown", "EPERM"): ("chown('file', 65534, 65534)", "what belongs to somebody else"),
}

NAMES = sorted(["Notebook", "Other", "Team", "bad", "empty", "file", "folder"])


def writable_mount(make_world, *options, directory=None):
    """A mount of START; what is changed stays here."""
    world = make_world(login=False)
    world.account.run("login", "--method=device", "--scope=Files.ReadWrite.All")
    world.edit(*START)
    mount = world.mount(directory=directory,
                        options=["experimental_writing", "upload_delay=600", *options])
    mount.settle()
    return mount


@pytest.fixture(scope="module")
def mount(make_shared_world):
    return writable_mount(make_shared_world)


CASES = [(operation, code, case) for (operation, code), row in ROWS.items() for case in row]


@pytest.mark.parametrize("operation, code, case", CASES)
def test_a_call_that_is_refused_answers_as_the_table_says(mount, operation, code, case):
    with pytest.raises(OSError) as raised:
        ROWS[(operation, code)][case](lambda path: os.path.join(mount, path))
    assert errno.errorcode[raised.value.errno].replace("ENOTSUP", "EOPNOTSUPP") == code


def test_what_was_refused_has_changed_nothing(mount):
    assert sorted(os.listdir(mount)) == NAMES
    assert (mount / "file").read_bytes() == b"content"
    assert sorted(os.listdir(mount / "folder")) == ["inside", "sub"]
    assert mount.status()["changes"]["pending"] == 0


@pytest.mark.parametrize("operation, code", ROOM_ROWS)
def test_a_call_that_there_is_no_room_for_answers_as_the_table_says(make_world, operation, code):
    option, cases = ROOM_ROWS[(operation, code)]
    mount = writable_mount(make_world, option)
    for case, call in cases.items():
        with pytest.raises(OSError) as raised:
            call(lambda path: os.path.join(mount, path))
        assert (case, errno.errorcode[raised.value.errno]) == (case, code)
    assert (mount / "file").read_bytes() == b"content"


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_a_call_that_modes_forbid_answers_as_the_table_says(make_world):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        mount = writable_mount(make_world, "allow_other", directory=os.path.join(place, "mount"))
        for (_, code), (call, _) in MODE_ROWS.items():
            done = subprocess.run([sys.executable, "-c", f"import os\nos.{call}"], cwd=mount,
                                  user=65534, group=65534, extra_groups=[], check=False,
                                  capture_output=True, text=True)
            assert f"[Errno {getattr(errno, code)}]" in done.stderr, call
        assert sorted(os.listdir(mount)) == NAMES
        mount.unmount()


def test_the_document_has_the_same_errnos():
    rows = [row for table in tables_of("### Errors", "operation") for row in table[1:]]
    found = {(row[0].strip("`"), row[1]): row[2] for row in rows}
    expected = {key: "; ".join(row) for key, row in ROWS.items()}
    expected.update({key: "; ".join(row) for key, (_, row) in ROOM_ROWS.items()})
    expected.update({key: case for key, (_, case) in MODE_ROWS.items()})
    assert found == expected
