# SPDX-License-Identifier: MIT
"""Debian's rclone, which nobody here wrote, works on the emulator."""

import pathlib
import subprocess

SCENE = pathlib.Path(__file__).resolve().parent / "rclone_scene.py"


def test_rclone_copies_both_ways_checks_and_changes(profile):
    done = subprocess.run(["/usr/bin/python3", "-B", SCENE, profile], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
