# SPDX-License-Identifier: MIT
"""A server that lies: the mount goes on, nothing leaves the tree, what is honest stays right."""

import os
import subprocess

import pytest

import edits

LIES = {
    "a name that climbs": {"name": "../x"},
    "a name with a slash": {"name": "a/b"},
    "an absolute name": {"name": "/etc/passwd"},
    "no name": {"name": ""},
    "the name dot": {"name": "."},
    "the name dot-dot": {"name": ".."},
    "an over-long name": {"name": "n" * 5000},
    "a name with a NUL": {"name": "a\0b"},
    "a name with a newline": {"name": "a\nb"},
    "the name of its neighbour": {"name": "honest"},
    "the name of the control directory": {"name": ".graphfs"},
    "a negative size": {"size": -1},
    "an enormous size": {"size": 2**63 - 1},
    "a size beyond 64 bits": {"size": 2**70},
    "a size that is a string": {"type": {"size": "string"}},
    "a name that is a number": {"type": {"name": "number"}},
    "a file facet that is an array": {"type": {"file": "array"}},
    "a parent that is a string": {"type": {"parentReference": "string"}},
    "a duplicate": {"duplicate": True},
}


def honest_names(mount):
    """Where the honest file can be: under its name, or, if the liar was first to claim that, under a
    stand-in of it."""
    return [name for name in os.listdir(mount / "folder") if name.startswith("honest")]


def assert_sane(mount):
    """The tree can be walked, ends, and holds what is honest."""
    found = subprocess.run(["find", mount.path, "-print0"], capture_output=True, timeout=60,
                           check=False)
    assert b"File system loop" not in found.stderr
    for name in found.stdout.split(b"\0")[:-1]:
        assert os.path.realpath(name).startswith(os.fsencode(mount.path))
    assert b"honest" in {(mount / "folder" / name).read_bytes() for name in honest_names(mount)}
    assert len(os.listdir(mount / "folder")) == len(set(os.listdir(mount / "folder")))
    assert mount.status()["state"] == "online"


@pytest.mark.parametrize("when", ["in the first round", "in a later round"])
@pytest.mark.parametrize("fields", LIES.values(), ids=LIES.keys())
def test_a_lie_about_an_item_harms_nothing_else(make_world, fields, when):
    world = make_world()
    begin = [edits.mkdir("/folder"), edits.create("/folder/honest", b"honest"),
             edits.create("/folder/liar", b"liar")]
    lie = edits.lie("/folder/liar", **fields)
    if when == "in the first round":
        world.edit(*begin, lie)
        mount = world.mount()
    else:
        world.edit(*begin)
        mount = world.mount()
        mount.settle()
        world.edit(lie)
    mount.settle()
    assert_sane(mount)


@pytest.mark.parametrize("parent", ["self", "child"])
def test_a_cycle_of_folders_is_not_entered(world, parent):
    world.edit(edits.mkdir("/folder"), edits.create("/folder/honest", b"honest"),
               edits.mkdir("/a"), edits.mkdir("/a/b"))
    mount = world.mount()
    mount.settle()
    world.edit(edits.lie("/a", parent=parent))
    mount.settle()
    assert_sane(mount)
