# SPDX-License-Identifier: MIT
"""Folders, names, places, times; deleting and having back."""

import pytest

from client import error_of

BEHAVIOUR = "@microsoft.graph.conflictBehavior"


def item_path(item):
    return f"/me/drive/items/{item['id']}"


def test_a_new_folder(any_client):
    answer = any_client.post("/me/drive/root/children", {"name": "d", "folder": {}})
    assert answer.status_code == 201 and answer.json()["folder"]["childCount"] == 0
    location = any_client.get(answer.headers["Location"])
    assert location.json()["id"] == answer.json()["id"]
    inner = any_client.mkdir("e", f"items/{answer.json()['id']}")
    assert any_client.paths()["/d/e"]["id"] == inner["id"]
    below = any_client.post("/me/drive/root:/d:/children", {"name": "f", "folder": {}})
    assert below.status_code == 201 and "/d/f" in any_client.paths()


def test_conflict_behaviour_of_a_new_folder(any_client):
    first = any_client.mkdir("d.x")
    any_client.upload("/file")

    def post(name, behaviour=None):
        body = {"name": name, "folder": {}, **({BEHAVIOUR: behaviour} if behaviour else {})}
        return any_client.post("/me/drive/root/children", body)

    assert error_of(post("d.x"))[:2] == (409, "nameAlreadyExists")
    assert error_of(post("D.X", "fail"))[:2] == (409, "nameAlreadyExists")
    assert post("d.x", "rename").json()["name"] == "d 1.x"
    replaced = post("d.x", "replace")
    assert (replaced.status_code, replaced.json()["id"]) == (200, first["id"])
    assert error_of(post("file", "replace"))[:2] == (409, "nameAlreadyExists")


@pytest.mark.parametrize("body", [b"{}", b"no json", b'{"name":"d"}', b'{"folder":{}}',
                                  b'{"name":7,"folder":{}}', b'{"name":"d","folder":1}', b"[]"])
def test_a_malformed_folder_is_400(client, body):
    answer = client.request("POST", "/me/drive/root/children", data=body)
    assert answer.status_code == 400
    assert len(client.paths()) == 1


def test_a_folder_in_what_is_none(any_client):
    item = any_client.upload("/f")
    body = {"name": "d", "folder": {}}
    assert any_client.post(f"{item_path(item)}/children", body).status_code == 400
    assert any_client.post("/me/drive/items/nothing/children", body).status_code == 404


def test_rename_and_move_keep_the_id(any_client):
    item, folder = any_client.upload("/f", b"1"), any_client.mkdir("d")
    answer = any_client.patch(item_path(item), {"name": "g"})
    assert answer.status_code == 200
    renamed = answer.json()
    assert (renamed["id"], renamed["name"]) == (item["id"], "g")
    assert renamed["eTag"] != item["eTag"] and renamed["cTag"] == item["cTag"]
    body = {"parentReference": {"id": folder["id"]}, "name": "h"}
    assert any_client.patch(item_path(item), body).json()["id"] == item["id"]
    assert any_client.paths().keys() == {"/", "/d", "/d/h"}
    body = {"parentReference": {"path": "/drive/root:/"}}
    assert any_client.patch(item_path(item), body).status_code == 200
    assert any_client.paths().keys() == {"/", "/d", "/h"}


def test_the_name_that_a_rename_wants_may_be_taken(any_client):
    item, other = any_client.upload("/f", b"1"), any_client.upload("/g", b"2")
    folder = any_client.mkdir("d")
    assert error_of(any_client.patch(item_path(item), {"name": "G"}))[:2] == (
        409, "nameAlreadyExists")
    replaced = any_client.patch(item_path(item), {"name": "g", BEHAVIOUR: "replace"})
    assert (replaced.status_code, replaced.json()["id"]) == (200, item["id"])
    assert any_client.get(item_path(other)).status_code == 404
    assert any_client.content("/g") == b"1"
    for one, name in ((item, "d"), (folder, "g")):
        for path, body in ((item_path(one), {"name": name, BEHAVIOUR: "replace"}),
                           (f"{item_path(one)}?{BEHAVIOUR}=replace", {"name": name})):
            assert any_client.patch(path, body).status_code == 409
    renamed = any_client.patch(item_path(item), {"name": "d", BEHAVIOUR: "rename"})
    assert renamed.json()["name"] == "d 1"


def test_a_change_of_case_alone(any_client):
    item = any_client.upload("/f", b"1")
    assert any_client.patch(item_path(item), {"name": "F"}).json()["name"] == "F"
    assert any_client.paths().keys() == {"/", "/F"}


def test_a_change_of_case_alone_may_be_refused_by_the_personal_service(start):
    client = start("consumer", plain=False)
    names = {client.patch(item_path(client.upload(f"/f{number}")), {"name": f"F{number}"})
             .status_code for number in range(40)}
    assert names == {200, 409}


def test_a_folder_can_not_go_into_itself_or_another_drive(start, profile):
    client = start(profile)
    folder = client.mkdir("d")
    inner = client.mkdir("e", f"items/{folder['id']}")
    for parent in (folder["id"], inner["id"]):
        answer = client.patch(item_path(folder), {"parentReference": {"id": parent}})
        assert error_of(answer)[:2] == (400, "invalidRequest")
    client.emulator.edit([{"op": "special", "path": "/s", "kind": "shortcut-folder"}])
    shown = client.json("/me/drive/root:/s", {"Prefer": "Include-Feature=AddToOneDrive"})
    drive = shown["remoteItem"]["parentReference"]["driveId"]
    answer = client.patch(item_path(folder), {"parentReference": {
        "driveId": drive, "id": shown["remoteItem"]["id"]}})
    assert error_of(answer)[:2] == (400, "invalidRequest")
    for parent in ({"id": "nothing"}, {"path": "/drive/root:/no"}, {"id": "root"}):
        answer = client.patch(item_path(folder), {"parentReference": parent})
        assert error_of(answer)[:2] == (404, "itemNotFound")
    item = client.upload("/f")
    answer = client.patch(item_path(folder), {"parentReference": {"id": item["id"]}})
    assert error_of(answer)[:2] == (400, "invalidRequest")


def test_the_move_of_a_folder_is_one_entry_in_delta(any_client):
    folder, target = any_client.mkdir("d"), any_client.mkdir("e")
    any_client.upload("/d/f")
    link = any_client.latest()
    any_client.patch(item_path(folder), {"parentReference": {"id": target["id"]}})
    told = [item["name"] for item in any_client.delta(link)[0]]
    assert "d" in told and "f" not in told


TIMES = {"createdDateTime": "2001-02-03T04:05:06.789Z",
         "lastModifiedDateTime": "2011-12-13T14:15:16.500Z"}


def test_times(any_client, profile):
    item = any_client.upload("/f", b"1")
    answer = any_client.patch(item_path(item), {"fileSystemInfo": TIMES})
    assert answer.status_code == 200
    told = answer.json()["fileSystemInfo"]
    if profile == "consumer-legacy":
        assert told["lastModifiedDateTime"] == "2011-12-13T14:15:16.5Z"
        assert told["createdDateTime"] == "2001-02-03T04:05:06.789Z"
    else:
        assert told["lastModifiedDateTime"] == "2011-12-13T14:15:16Z"
        assert told["createdDateTime"] == "2001-02-03T04:05:06Z"
    assert answer.json()["eTag"] != item["eTag"] and answer.json()["cTag"] == item["cTag"]
    versions = any_client.json(f"{item_path(item)}/versions")["value"]
    assert len(versions) == (2 if profile == "business" else 1)
    assert any_client.content("/f") == b"1"
    for wrong in ({"lastModifiedDateTime": "yesterday"}, {"createdDateTime": 7}, 5):
        answer = any_client.patch(item_path(item), {"fileSystemInfo": wrong})
        assert error_of(answer)[:2] == (400, "invalidRequest")


def test_if_match_of_patch_and_delete(any_client):
    item = any_client.upload("/f", b"1")
    now = any_client.patch(item_path(item), {"name": "g"}, {"If-Match": item["eTag"]}).json()
    for answer in (any_client.patch(item_path(item), {"name": "h"}, {"If-Match": item["eTag"]}),
                   any_client.delete(item_path(item), {"If-Match": item["eTag"]})):
        assert error_of(answer) == (412, "resourceModified", "entityTagDoesNotMatch")
    assert any_client.delete(item_path(item), {"If-Match": now["eTag"]}).status_code == 204


def test_the_root_stays_as_it_is(any_client):
    assert any_client.delete("/me/drive/root").status_code == 403
    assert any_client.patch("/me/drive/root", {"name": "x"}).status_code == 403


def test_a_delete_takes_everything_below_and_can_not_be_repeated(any_client):
    folder = any_client.mkdir("d")
    inner = any_client.upload("/d/f", b"1")
    link = any_client.latest()
    answer = any_client.delete(item_path(folder))
    assert (answer.status_code, answer.content) == (204, b"")
    assert any_client.delete(item_path(folder)).status_code == 404
    assert any_client.get(item_path(inner)).status_code == 404
    told = {item["id"]: "deleted" in item for item in any_client.delta(link)[0]}
    assert told[folder["id"]]
    assert any_client.json("/me/drive/root")["size"] == 0


def test_the_recycle_bin(any_client, profile):
    folder, other = any_client.mkdir("d"), any_client.mkdir("e")
    any_client.upload("/d/f", b"12")
    any_client.upload("/d/gone", b"3")
    any_client.delete("/me/drive/root:/d/gone")
    link = any_client.latest()
    any_client.delete(item_path(folder))
    if profile == "business":
        answer = any_client.post(f"{item_path(folder)}/restore")
        assert error_of(answer)[:2] == (400, "invalidRequest")
        return
    any_client.mkdir("d")
    answer = any_client.post(f"{item_path(folder)}/restore")
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")
    answer = any_client.post(f"{item_path(folder)}/restore",
                             {"parentReference": {"id": other["id"]}, "name": "back"})
    assert (answer.status_code, answer.json()["id"]) == (200, folder["id"])
    assert any_client.paths().keys() == {"/", "/d", "/e", "/e/back", "/e/back/f"}
    assert any_client.json("/me/drive/root")["size"] == 2
    assert any_client.content("/e/back/f") == b"12"
    assert folder["id"] in [one["id"] for one in any_client.delta(link)[0] if "name" in one]
    assert any_client.post(f"{item_path(folder)}/restore").status_code == 404


def test_what_is_in_the_recycle_bin_is_told_by_business_only(any_client, profile):
    for name in ("d", "e"):
        any_client.mkdir(name)
    for path in ("/d/f", "/g", "/h", "/kept"):
        any_client.upload(path, b"1")
    for path in ("/d", "/g", "/h"):
        any_client.delete(f"/me/drive/root:{path}")
    bin_of = "/me/drive/special/recyclebin/children"
    if profile != "business":
        assert error_of(any_client.get(bin_of))[:2] == (400, "invalidRequest")
        return
    there = any_client.children(f"{bin_of}?$top=2")
    assert [(one["name"], "folder" in one) for one in there] == [("d", True), ("g", False), ("h", False)]
    assert all("deleted" in one and "@microsoft.graph.downloadUrl" not in one for one in there)


def test_deleting_for_good(any_client, profile):
    item = any_client.upload("/f")
    answer = any_client.post(f"{item_path(item)}/permanentDelete")
    assert answer.status_code == (204 if profile == "business" else 405)
    assert any_client.get(item_path(item)).status_code == (404 if profile == "business" else 200)
