# SPDX-License-Identifier: MIT
"""The versions of a file: their list, their ids, and what leads to their bytes."""

from client import error_of

VERSIONS = "/me/drive/root:/f:/versions"


def write(client, *contents):
    client.emulator.edit([{"op": "write", "path": "/f", "content": one} for one in contents])


def create(client, *contents):
    client.emulator.edit([{"op": "create", "path": "/f", "content": contents[0]}])
    write(client, *contents[1:])


def test_versions_keep_what_was_replaced(client):
    create(client, "one", "two!", "three")
    versions = client.json(VERSIONS)["value"]
    assert [(one["id"], one["size"]) for one in versions] == [("3.0", 5), ("2.0", 4), ("1.0", 3)]
    assert client.json(f"{VERSIONS}/2.0")["size"] == 4
    for number, content in (("1.0", b"one"), ("2.0", b"two!")):
        url = client.location(f"{VERSIONS}/{number}/content")
        assert client.download(url).content == content
    assert client.get(f"{VERSIONS}/9.0").status_code == 404


def test_a_new_time_is_a_new_version_for_business_only(start):
    for profile, count in (("business", 2), ("consumer", 1)):
        client = start(profile)
        client.emulator.edit([{"op": "create", "path": "/f"},
                              {"op": "touch", "path": "/f", "mtime": 1_600_000_000}])
        assert len(client.json(VERSIONS)["value"]) == count


def test_a_version_has_no_url_of_its_bytes(any_client):
    create(any_client, "one", "two!")
    versions = any_client.json(VERSIONS)["value"]
    for one in [*versions, any_client.json(f"{VERSIONS}/1.0")]:
        assert one.keys() == {"id", "lastModifiedDateTime", "lastModifiedBy", "size"}


def test_the_current_version_has_an_id_of_its_own_on_the_legacy_profile_only(any_client, profile):
    create(any_client, "one", "two!")
    is_legacy = profile == "consumer-legacy"
    current, other = ("current", "2.0") if is_legacy else ("2.0", "current")
    assert [one["id"] for one in any_client.json(VERSIONS)["value"]] == [current, "1.0"]
    assert any_client.json(f"{VERSIONS}/{current}")["size"] == 4
    for answer in (any_client.get(f"{VERSIONS}/{other}"),
                   any_client.get(f"{VERSIONS}/{other}/content"),
                   any_client.post(f"{VERSIONS}/{other}/restoreVersion")):
        assert error_of(answer)[:2] == (404, "itemNotFound")


def test_the_content_of_the_current_version_is_had_this_way_on_the_legacy_profile_only(
        any_client, profile):
    create(any_client, "one", "two!")
    [current, _] = [one["id"] for one in any_client.json(VERSIONS)["value"]]
    answer = any_client.get(f"{VERSIONS}/{current}/content")
    if profile == "consumer-legacy":
        assert any_client.download(answer.headers["Location"]).content == b"two!"
    else:
        assert error_of(answer)[:2] == (400, "invalidRequest")


def test_folders_have_no_versions(any_client):
    any_client.mkdir("f")
    assert error_of(any_client.get(VERSIONS))[:2] == (400, "invalidRequest")
