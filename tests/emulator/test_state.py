# SPDX-License-Identifier: MIT
"""--state: what was there before a restart is there after it."""

import pytest

from client import Client


@pytest.fixture
def restart(start, profile, tmp_path):
    """restart(client): ends the emulator of a client and starts it anew; the client of the new one,
    which goes on with the tokens of the old. Without a client: the first one."""
    def restart_one(client=None, *options):
        if client:
            client.emulator.stop()
        new = start(profile, f"--state={tmp_path}", *options, sign_in=client is None)
        if client:
            new.tokens = client.tokens
        return new

    return restart_one


def moved(client, old, url):
    """A URL of the old emulator, at the new one's ports, which are others."""
    return url.replace(old.emulator.content_url, client.emulator.content_url).replace(
        old.emulator.url, client.emulator.url)


def test_drives_are_as_they_were(restart):
    old = restart()
    old.upload("/a", b"one")
    old.upload("/a", b"two!", status=200)
    old.mkdir("d")
    old.upload("/d/ü", b"")
    old.emulator.edit([{"op": "create", "path": "/big", "size": 100_000, "seed": 3},
                       {"op": "create", "path": "/text", "content": "text"},
                       {"op": "special", "path": "/docs", "kind": "documents"},
                       {"op": "lock", "path": "/text"},
                       {"op": "create", "path": "/draft", "draft": True}])
    before, item = old.paths(), old.json("/me/drive/root:/a")
    client = restart(old)
    assert client.paths() == before
    assert client.content("/a") == b"two!"
    after = client.json("/me/drive/root:/a")
    for ports in ("@microsoft.graph.downloadUrl", "@odata.context"):
        del item[ports], after[ports]
    assert after == item
    versions = client.json("/me/drive/root:/a:/versions")["value"]
    assert [one["size"] for one in versions] == [4, 3]
    url = client.location("/me/drive/root:/a:/versions/1.0/content")
    assert client.download(url).content == b"one"
    assert client.json("/me/drive/special/documents")["name"] == "docs"
    assert client.delete("/me/drive/root:/text").status_code == 423
    assert client.get("/me/drive/root:/draft").status_code == 404
    new = client.upload("/new", b"new")
    assert new["id"] not in {one["id"] for one in before.values()}
    assert client.content("/a") == b"two!" and client.content("/new") == b"new"


def test_a_delta_link_goes_on(restart):
    old = restart()
    old.upload("/a")
    gone = old.upload("/gone")
    link = old.latest()
    old.delete("/me/drive/root:/gone")
    client = restart(old)
    item = client.upload("/b")
    told = {one["id"]: "deleted" in one for one in client.delta(moved(client, old, link))[0]}
    assert told[item["id"]] is False and told[gone["id"]] is True


def test_a_session_goes_on(restart):
    old = restart()
    url = old.post("/me/drive/root:/f:/createUploadSession").json()["uploadUrl"]
    old.session.put(url, data=b"ab", headers={"Content-Range": "bytes 0-1/4"})
    client = restart(old)
    url = moved(client, old, url)
    assert client.session.get(url).json()["nextExpectedRanges"][0].startswith("2-")
    answer = client.session.put(url, data=b"cd", headers={"Content-Range": "bytes 2-3/4"})
    assert answer.status_code == 201 and client.content("/f") == b"abcd"
    fresh = client.upload("/g", b"abcd")
    assert client.paths()["/f"]["sha256"] == client.paths()["/g"]["sha256"]
    hashes = [one["file"]["hashes"]["quickXorHash"] for one in (fresh, answer.json())]
    assert hashes[0] == hashes[1]


def test_what_was_to_come_later_has_come(restart):
    old = restart(None, "--lag=60000", "--copy-time=60000")
    old.upload("/f", b"1")
    old.emulator.settle()
    old.tokens = old.refresh().json()
    link = old.latest()
    old.post("/me/drive/root:/f:/copy", {"name": "copy"})
    old.mkdir("d")
    client = restart(old)
    names = {item["name"] for item in client.children("/me/drive/root/children")}
    assert names == {"f", "copy", "d"}
    assert names - {"f"} <= {item["name"] for item in client.delta(moved(client, old, link))[0]}


def test_the_clock_and_the_tokens_go_on(restart):
    old = restart()
    old.emulator.clock(1_000_000)
    before = old.upload("/f")["lastModifiedDateTime"]
    client = restart(old)
    assert client.get("/me").status_code == 200
    assert client.refresh().status_code == 200
    assert client.upload("/f", b"x", status=200)["lastModifiedDateTime"] >= before


def test_the_recycle_bin_goes_on(start, tmp_path):
    client = start("consumer", f"--state={tmp_path}")
    folder = client.mkdir("d")
    client.upload("/d/f", b"1")
    client.delete("/me/drive/root:/d")
    client.emulator.stop()
    new = start("consumer", f"--state={tmp_path}")
    assert new.post(f"/me/drive/items/{folder['id']}/restore").status_code == 200
    assert new.content("/d/f") == b"1"


def test_a_state_of_another_profile_is_refused(start, tmp_path):
    start("business", f"--state={tmp_path}").emulator.stop()
    with pytest.raises(AssertionError, match="another profile or seed"):
        start("consumer", f"--state={tmp_path}", sign_in=False)


def test_a_damaged_state_is_refused(start, tmp_path):
    (tmp_path / "state.json").write_text('{"format": 1')
    with pytest.raises(AssertionError, match="no JSON"):
        start("business", f"--state={tmp_path}", sign_in=False)
