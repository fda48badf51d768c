# SPDX-License-Identifier: MIT
"""Over TLS and HTTP/2, as the service is reached: one connection carries what is asked at once."""

import os
import threading

import pytest

import edits
from emulator import Emulator
from graphfs import Account
from h2proxy import H2Proxy

FOLDERS = 24


@pytest.fixture
def behind_proxy(tmp_path):
    """An account whose Graph, sign-in and contents are behind TLS and HTTP/2; cold folders in it."""
    with H2Proxy() as proxy, Emulator(args=["--auto-approve", "--latency=100", *proxy.options]) as emulator:
        proxy.start(emulator)
        emulator.edit([edits.create(f"/d{number}/file", f"{number}") for number in range(FOLDERS)])
        account = Account(tmp_path / "account", emulator, graph_url=proxy.url, login_url=proxy.url,
                          ca_file=str(proxy.authority))
        account.login()
        yield proxy, emulator, account


def test_what_is_asked_at_once_shares_one_connection(behind_proxy):
    proxy, emulator, account = behind_proxy
    # The first round hangs, so that each folder has to be listed.
    emulator.faults([{"path": "*/delta*", "action": "stall"}])
    with account.mount() as mount:
        before = len(proxy.requests())
        found = []

        def read(number):
            found.append((mount / f"d{number}/file").read_bytes())

        readers = [threading.Thread(target=read, args=(number,)) for number in range(FOLDERS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        requests = proxy.requests()[before:]
        emulator.clear_faults()
    assert sorted(found) == sorted(str(number).encode() for number in range(FOLDERS))
    assert len(requests) >= FOLDERS
    assert {protocol for _, protocol, _ in requests} == {"h2"}
    assert len({port for port, _, _ in requests}) == 1


def test_a_certificate_of_a_stranger_is_refused_and_named(behind_proxy, tmp_path):
    proxy, emulator, account = behind_proxy
    account.configure(ca_file=None)
    (tmp_path / "place").mkdir()
    done = account.run("mount", "--root=/me/drive", tmp_path / "place", check=False)
    assert done.returncode == 1
    assert "certificate" in done.stderr
    assert not os.path.ismount(tmp_path / "place")
