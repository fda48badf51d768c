# SPDX-License-Identifier: MIT
"""Changes that somebody else makes on the server, as operations for the emulator's edit call.

Each function returns one operation; Emulator.edit() takes a list of them and makes them in order,
as one step. Paths are the server's own, from the root of the drive. `drive` names one of the
emulator's drives; without it, it is the default drive.
"""

import base64


def _operation(op, **fields):
    return {"op": op, **{key: value for key, value in fields.items() if value is not None}}


def _content(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode()


def create(path, data=b"", mtime=None, drive=None):
    return _operation("create", path=path, content_base64=_content(data), mtime=mtime, drive=drive)


def create_big(path, size, seed=1, drive=None):
    """A file whose bytes the emulator makes from a seed."""
    return _operation("create", path=path, size=size, seed=seed, drive=drive)


def mkdir(path, drive=None):
    return _operation("mkdir", path=path, drive=drive)


def write(path, data, mtime=None, drive=None):
    return _operation("write", path=path, content_base64=_content(data), mtime=mtime, drive=drive)


def append(path, data, drive=None):
    return _operation("append", path=path, content_base64=_content(data), drive=drive)


def truncate(path, size, drive=None):
    return _operation("truncate", path=path, size=size, drive=drive)


def move(path, to, drive=None):
    return _operation("move", path=path, to=to, drive=drive)


def swap(a, b, drive=None):
    return _operation("swap", a=a, b=b, drive=drive)


def delete(path, drive=None):
    return _operation("delete", path=path, drive=drive)


def touch(path, mtime, drive=None):
    return _operation("touch", path=path, mtime=mtime, drive=drive)


def special(path, kind, drive=None):
    """kind: one of the items that are neither file nor folder (a package, a shortcut, …)."""
    return _operation("special", path=path, kind=kind, drive=drive)


def malware(path, drive=None):
    return _operation("malware", path=path, drive=drive)


def bulk(directory, count):
    """Makes `count` small files in a folder."""
    return {"op": "bulk", "bulk": {"count": count, "dir": directory}}


def lie(path, **fields):
    """From now on every answer says `fields` of this item, whatever is true."""
    return _operation("lie", path=path, **fields)
