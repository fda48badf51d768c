# SPDX-License-Identifier: MIT
"""Where nothing can be written, every system call that would change something answers EROFS."""

import errno
import os
import stat

import pytest

import edits

NEW = "new"
OLD = "folder/file.txt"
FOLDER = "folder"

WRITES = {
    "open for writing": lambda at: os.open(at(OLD), os.O_WRONLY),
    "open for reading and writing": lambda at: os.open(at(OLD), os.O_RDWR),
    "open with truncation": lambda at: os.open(at(OLD), os.O_WRONLY | os.O_TRUNC),
    "open for appending": lambda at: os.open(at(OLD), os.O_WRONLY | os.O_APPEND),
    "create": lambda at: os.open(at(NEW), os.O_WRONLY | os.O_CREAT),
    "create exclusively": lambda at: os.open(at(NEW), os.O_RDWR | os.O_CREAT | os.O_EXCL),
    "mkdir": lambda at: os.mkdir(at(NEW)),
    "rmdir": lambda at: os.rmdir(at(FOLDER)),
    "unlink": lambda at: os.unlink(at(OLD)),
    "rename": lambda at: os.rename(at(OLD), at(NEW)),
    "rename of a folder": lambda at: os.rename(at(FOLDER), at(NEW)),
    "truncate": lambda at: os.truncate(at(OLD), 0),
    "chmod": lambda at: os.chmod(at(OLD), 0o600),
    "chown": lambda at: os.chown(at(OLD), os.getuid(), os.getgid()),
    "utime": lambda at: os.utime(at(OLD), (1, 1)),
    "utime of a folder": lambda at: os.utime(at(FOLDER)),
    "symlink": lambda at: os.symlink("target", at(NEW)),
    "link": lambda at: os.link(at(OLD), at(NEW)),
    "mkfifo": lambda at: os.mkfifo(at(NEW)),
    "mknod": lambda at: os.mknod(at(NEW), stat.S_IFREG | 0o600),
    "setxattr": lambda at: os.setxattr(at(OLD), "user.note", b"x"),
    "removexattr": lambda at: os.removexattr(at(OLD), "user.graphfs.id"),
}


@pytest.mark.parametrize("options", [[], ["experimental_writing", "ro"]], ids=",".join)
def test_every_system_call_that_writes_answers_erofs(world, options):
    world.edit(edits.mkdir("/folder"), edits.create("/folder/file.txt", b"as it was"))
    mount = world.mount(options=options)
    mount.settle()
    answers = {}
    for name, write in WRITES.items():
        with pytest.raises(OSError) as raised:
            write(lambda path: mount / path)
        answers[name] = errno.errorcode[raised.value.errno]
    assert answers == dict.fromkeys(WRITES, "EROFS")


def test_refused_writes_change_nothing_and_ask_nothing(world):
    world.edit(edits.mkdir("/folder"), edits.create("/folder/file.txt", b"as it was"))
    mount = world.mount()
    mount.settle()
    world.emulator.reset_counts()
    for write in WRITES.values():
        with pytest.raises(OSError):
            write(lambda path: mount / path)
    assert world.emulator.requests()["total"] == 0
    assert os.listdir(mount) == ["folder"]
    assert (mount / OLD).read_bytes() == b"as it was"
