# SPDX-License-Identifier: MIT
"""Who may not write: locks, check-out, what is shared for reading only, a full drive."""

import pytest

from client import error_of

BEHAVIOUR = "@microsoft.graph.conflictBehavior"


def writes(client, path):
    """The answers to all that could change the file at `path`."""
    item = f"/me/drive/root:{path}"
    yield client.put(f"{item}:/content", b"mine")
    yield client.patch(item, {"name": "other"})
    yield client.patch(item, {"fileSystemInfo": {"lastModifiedDateTime": "2020-01-01T00:00:00Z"}})
    yield client.delete(item)
    yield client.post(f"{item}:/createUploadSession", {"item": {BEHAVIOUR: "replace"}})
    [version] = client.json(f"{item}:/versions")["value"]
    yield client.post(f"{item}:/versions/{version['id']}/restoreVersion")


def test_a_locked_file_is_423_to_all_writers(any_client):
    item = any_client.upload("/f", b"theirs")
    any_client.emulator.edit([{"op": "lock", "path": "/f"}])
    for answer in writes(any_client, "/f"):
        assert error_of(answer)[:2] == (423, "resourceLocked")
    assert any_client.content("/f") == b"theirs"
    assert any_client.json("/me/drive/root:/f")["eTag"] == item["eTag"]
    any_client.emulator.edit([{"op": "unlock", "path": "/f"}])
    assert any_client.delete("/me/drive/root:/f").status_code == 204


def test_a_shared_lock_can_be_bypassed(client):
    client.upload("/f", b"theirs")
    bypass = {"Prefer": "bypass-shared-lock"}
    client.emulator.edit([{"op": "lock", "path": "/f", "shared": True}])
    assert client.put("/me/drive/root:/f:/content", b"mine").status_code == 423
    assert client.put("/me/drive/root:/f:/content", b"mine", bypass).status_code == 200
    client.emulator.edit([{"op": "lock", "path": "/f"}])
    assert client.put("/me/drive/root:/f:/content", b"mine", bypass).status_code == 423


def test_a_lock_at_the_end_of_a_session_leaves_the_session(any_client):
    any_client.upload("/f", b"theirs")
    answer = any_client.post("/me/drive/root:/f:/createUploadSession",
                             {"item": {BEHAVIOUR: "replace"}})
    url = answer.json()["uploadUrl"]
    any_client.emulator.edit([{"op": "lock", "path": "/f"}])
    answer = any_client.session.put(url, data=b"mine", headers={"Content-Range": "bytes 0-3/4"})
    assert answer.status_code == 423
    assert any_client.session.get(url).json()["nextExpectedRanges"] == []


def test_what_is_shared_for_reading_is_403_with_all_below(any_client):
    any_client.mkdir("d")
    any_client.upload("/d/f", b"theirs")
    mine = any_client.upload("/mine")
    folder = any_client.json("/me/drive/root:/d")
    any_client.emulator.edit([{"op": "read-only", "path": "/d"}])
    for answer in writes(any_client, "/d/f"):
        assert error_of(answer)[:2] == (403, "accessDenied")
    for answer in (any_client.put("/me/drive/root:/d/new:/content"),
                   any_client.post(f"/me/drive/items/{folder['id']}/children",
                                   {"name": "x", "folder": {}}),
                   any_client.patch(f"/me/drive/items/{mine['id']}",
                                    {"parentReference": {"id": folder["id"]}}),
                   any_client.post("/me/drive/root:/d/new:/createUploadSession")):
        assert error_of(answer)[:2] == (403, "accessDenied")
    assert any_client.content("/d/f") == b"theirs"
    any_client.emulator.edit([{"op": "writable", "path": "/d"}])
    any_client.upload("/d/new")


def test_what_another_has_checked_out_is_423(client):
    client.upload("/f")
    client.emulator.edit([{"op": "check-out", "path": "/f"}])
    for answer in writes(client, "/f"):
        assert error_of(answer)[:2] == (423, "notAllowed")
    assert client.post("/me/drive/root:/f:/checkout").status_code == 423
    publication = client.json("/me/drive/root:/f")["publication"]
    assert publication["level"] == "checkout"
    assert publication["checkedOutBy"]["user"]["displayName"] == "Robin Example"
    client.emulator.edit([{"op": "check-in", "path": "/f"}])
    assert client.put("/me/drive/root:/f:/content").status_code == 200


@pytest.mark.parametrize("access, code", [("lock", "resourceLocked"), ("check-out", "notAllowed")])
def test_a_folder_with_what_another_keeps_stays_where_it_is(client, access, code):
    folder, other = client.mkdir("d"), client.mkdir("other")
    client.emulator.edit([{"op": "create", "path": "/d/deep/er/f", "content": "theirs"},
                          {"op": access, "path": "/d/deep/er/f"}])
    place = f"/me/drive/items/{folder['id']}"
    for answer in (client.delete(place), client.patch(place, {"name": "renamed"}),
                   client.patch(place, {"parentReference": {"id": other["id"]}}),
                   client.post(f"{place}/permanentDelete")):
        assert error_of(answer)[:2] == (423, code)
    assert client.content("/d/deep/er/f") == b"theirs"
    client.upload("/d/new")
    client.emulator.edit([{"op": "unlock", "path": "/d/deep/er/f"}])
    assert client.patch(place, {"name": "renamed"}).status_code == 200
    assert client.delete(place).status_code == 204


def test_a_draft_of_another_is_not_seen_and_has_its_name(client):
    client.mkdir("d")
    client.upload("/d/a")
    link = client.latest()
    client.emulator.edit([{"op": "create", "path": "/d/f", "content": "theirs", "draft": True}])
    [item] = [one for one in client.emulator.tree()["items"] if one["path"] == "/d/f"]
    assert [one["name"] for one in client.children("/me/drive/root:/d:/children")] == ["a"]
    assert client.get("/me/drive/root:/d/f").status_code == 404
    assert client.get(f"/me/drive/items/{item['id']}").status_code == 404
    for told in (client.delta()[0], client.delta(link)[0]):
        assert item["id"] not in {one["id"] for one in told}
    place = "/me/drive/root:/d/f:"
    answer = client.put(f"{place}/content?{BEHAVIOUR}=fail", b"mine")
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")
    assert error_of(client.put(f"{place}/content", b"mine"))[:2] == (423, "notAllowed")
    assert client.delete("/me/drive/root:/d").status_code == 423
    client.emulator.edit([{"op": "check-in", "path": "/d/f"}])
    assert client.content("/d/f") == b"theirs"
    assert item["id"] in {one["id"] for one in client.delta(link)[0]}


def test_a_library_may_require_checking_out(start):
    client = start("business", "--require-checkout")
    client.emulator.edit([{"op": "create", "path": "/theirs"}])
    for answer in (client.put("/me/drive/root:/theirs:/content", b"mine"),
                   client.patch("/me/drive/root:/theirs", {"name": "other"}),
                   client.post("/me/drive/root:/theirs:/createUploadSession",
                               {"item": {BEHAVIOUR: "replace"}})):
        assert error_of(answer)[:2] == (423, "notAllowed")
    assert client.post("/me/drive/root:/theirs:/checkout").status_code == 204
    client.upload("/theirs", b"mine", status=200)
    assert client.post("/me/drive/root:/theirs:/checkin").status_code == 204
    client.mkdir("d")
    assert client.patch("/me/drive/root:/d", {"name": "e"}).status_code == 200
    assert client.delete("/me/drive/root:/theirs").status_code == 204


def test_what_is_new_in_such_a_library_is_its_maker_s_until_it_is_checked_in(start):
    client = start("business", "--require-checkout")
    client.upload("/f", b"1")
    publication = client.json("/me/drive/root:/f")["publication"]
    assert publication["checkedOutBy"]["user"]["displayName"] == "Alex Example"
    theirs = [{"op": "write", "path": "/f", "content": "theirs"}]
    with pytest.raises(AssertionError, match="no such item"):
        client.emulator.edit(theirs)
    client.upload("/f", b"2", status=200)
    assert client.content("/f") == b"2"
    client.upload("/g", b"never seen")
    assert client.post("/me/drive/root:/g:/discardCheckout").status_code == 204
    assert client.get("/me/drive/root:/g").status_code == 404
    assert client.post("/me/drive/root:/f:/checkin").status_code == 204
    client.emulator.edit(theirs)
    assert client.content("/f") == b"theirs"


def test_checking_out_and_in(client):
    client.upload("/f", b"1")
    assert client.post("/me/drive/root:/f:/checkin", {"comment": ""}).status_code == 400
    assert client.post("/me/drive/root:/f:/checkout").status_code == 204
    client.upload("/f", b"2", status=200)
    assert client.post("/me/drive/root:/f:/checkin", {"comment": ""}).status_code == 204
    assert client.content("/f") == b"2"
    assert "publication" not in client.json("/me/drive/root:/f")


def test_discarding_what_was_checked_out(client):
    client.upload("/f", b"1")
    client.post("/me/drive/root:/f:/checkout")
    client.upload("/f", b"2", status=200)
    client.upload("/f", b"3", status=200)
    assert client.post("/me/drive/root:/f:/discardCheckout").status_code == 204
    assert client.content("/f") == b"1"


@pytest.mark.parametrize("profile", ["consumer", "consumer-legacy"])
def test_personal_drives_know_no_checking_out(start, profile):
    client = start(profile)
    client.upload("/f")
    assert client.post("/me/drive/root:/f:/checkout").status_code == 400


def test_a_full_drive_is_507(any_client):
    any_client.upload("/f", bytes(600))
    any_client.emulator.quota(total=1000, used=-1)
    answer = any_client.put("/me/drive/root:/g:/content", bytes(401))
    assert error_of(answer) == (507, "quotaLimitReached", "insufficientStorage")
    any_client.upload("/g", bytes(400))
    any_client.upload("/f", bytes(600), status=200)
    any_client.upload("/f", bytes(10), status=200)
    any_client.emulator.quota(total=1000, used=2000)
    assert any_client.json("/me/drive")["quota"]["state"] == "exceeded"
    assert any_client.put("/me/drive/root:/h:/content", b"x").status_code == 507
    any_client.mkdir("d")
    any_client.upload("/empty")
    any_client.delete("/me/drive/root:/f")


def test_a_quota_that_is_not_told_is_no_limit(any_client):
    any_client.emulator.quota(total=0, used=0)
    any_client.upload("/f", bytes(1000))
