# SPDX-License-Identifier: MIT
"""Fixtures of the emulator's own tests: an emulator per test and a client that is signed in.

The client is plain `requests`, as far from graphfs as can be: what these tests hold the emulator to
is the service's behaviour, not what one client makes of it.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from client import Client  # noqa: E402
from emulator import Emulator  # noqa: E402


@pytest.fixture
def start():
    """start(profile, *options): a Client of a new emulator, signed in. All end with the test.

    With plain=False the emulator does what chance decides too: empty pages, repetitions, and so on.
    """
    running = []

    def start_one(profile="business", *options, sign_in=True, plain=True):
        emulator = Emulator(profile, [*(["--plain"] if plain else []), *options])
        running.append(emulator)
        client = Client(emulator)
        if sign_in:
            client.sign_in()
        return client

    yield start_one
    for emulator in running:
        emulator.stop()


@pytest.fixture(params=["business", "consumer", "consumer-legacy"])
def profile(request):
    return request.param


@pytest.fixture
def client(start):
    """A business account."""
    return start()


@pytest.fixture
def any_client(start, profile):
    """Each kind of account in turn."""
    return start(profile)
