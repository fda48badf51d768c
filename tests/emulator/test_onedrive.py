# SPDX-License-Identifier: MIT
"""Debian's onedrive, which nobody here wrote, works on the emulator."""

import pathlib
import subprocess

SCENE = pathlib.Path(__file__).resolve().parent / "onedrive_scene.py"


def test_onedrive_synchronizes_both_ways(profile):
    done = subprocess.run(["/usr/bin/python3", "-B", SCENE, profile], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
