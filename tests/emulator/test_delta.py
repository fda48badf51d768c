# SPDX-License-Identifier: MIT
"""Delta: enumerations, what follows them, tombstones, and tokens that die."""

import pytest

from client import error_of


def by_id(items):
    """The last word on each id."""
    return {item["id"]: item for item in items}


def edit(client, *operations):
    return client.emulator.edit(list(operations))["ids"]


def test_an_enumeration_has_everything_and_the_root_first(any_client):
    edit(any_client, {"op": "bulk", "bulk": {"count": 450, "dir": "/d"}})
    pages = list(any_client.pages("/me/drive/root/delta"))
    assert [len(page["value"]) for page in pages] == [200, 200, 52]
    assert all(("@odata.nextLink" in page) != ("@odata.deltaLink" in page) for page in pages)
    items = [item for page in pages for item in page["value"]]
    assert "root" in items[0]
    truth = {item["id"] for item in any_client.emulator.tree()["items"]}
    assert by_id(items).keys() == truth


def test_nothing_new_is_an_empty_page_with_a_delta_link(any_client):
    _, link = any_client.delta()
    assert any_client.delta(link)[0] == []


def test_latest_is_no_baseline_but_a_place_to_follow_from(any_client):
    edit(any_client, {"op": "create", "path": "/old"})
    items, link = any_client.delta("/me/drive/root/delta?token=latest")
    assert items == []
    edit(any_client, {"op": "create", "path": "/new"})
    assert [item["name"] for item in any_client.delta(link)[0]] == ["root", "new"]


def test_the_other_spelling_of_a_token_is_understood(client):
    assert "@odata.deltaLink" in client.json("/me/drive/root/delta(token='latest')")


def test_a_change_comes_with_its_ancestors(any_client):
    edit(any_client, {"op": "create", "path": "/a/b/c"})
    link = any_client.latest()
    edit(any_client, {"op": "write", "path": "/a/b/c", "content": "x"})
    assert [item["name"] for item in any_client.delta(link)[0]] == ["root", "a", "b", "c"]


def test_several_changes_of_an_item_are_told_once_as_it_is_now(any_client):
    edit(any_client, {"op": "create", "path": "/a"})
    link = any_client.latest()
    edit(any_client, {"op": "write", "path": "/a", "content": "1"},
         {"op": "move", "path": "/a", "to": "/b"}, {"op": "write", "path": "/b", "content": "22"})
    root, item = any_client.delta(link)[0]
    assert (item["name"], item["size"]) == ("b", 2)


def test_a_renamed_folder_is_told_without_what_is_in_it(any_client):
    edit(any_client, {"op": "create", "path": "/d/f"})
    link = any_client.latest()
    edit(any_client, {"op": "move", "path": "/d", "to": "/e"})
    assert [item["name"] for item in any_client.delta(link)[0]] == ["root", "e"]


def test_pages_of_changes_hold_as_many_as_asked(any_client):
    link = any_client.latest()
    edit(any_client, {"op": "bulk", "bulk": {"count": 10, "dir": ""}})
    pages = list(any_client.pages(link + "&$top=4"))
    assert [len(page["value"]) for page in pages] == [5, 5, 3]


def test_two_items_that_swap_places_are_both_told(any_client):
    one, other = edit(any_client, {"op": "create", "path": "/a"}, {"op": "create", "path": "/b"})
    link = any_client.latest()
    edit(any_client, {"op": "swap", "a": "/a", "b": "/b"})
    items = by_id(any_client.delta(link)[0])
    assert (items[one]["name"], items[other]["name"]) == ("b", "a")


def test_a_tombstone_has_the_shape_of_the_account_s_kind(any_client, profile):
    [number] = edit(any_client, {"op": "create", "path": "/a", "content": "x"})
    link = any_client.latest()
    edit(any_client, {"op": "delete", "path": "/a"})
    tombstone = any_client.delta(link)[0][-1]
    assert tombstone["id"] == number
    if profile == "business":
        assert tombstone.keys() == {"id", "deleted", "parentReference"}
    elif profile == "consumer":
        assert tombstone["deleted"] == {"state": "deleted"}
        assert tombstone["cTag"].endswith(',4294967295"')
        assert tombstone["file"]["hashes"]["quickXorHash"] == "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
        assert tombstone["fileSystemInfo"] == {} and tombstone["size"] == 0
        assert "name" not in tombstone and "eTag" not in tombstone
    else:
        assert tombstone["name"] == "a" and tombstone["file"] == {}
        assert "size" not in tombstone and "cTag" not in tombstone
    assert any_client.get(f"/me/drive/items/{number}").status_code == 404


def test_a_tombstone_is_told_once_per_token(any_client):
    edit(any_client, {"op": "create", "path": "/a"})
    link = any_client.latest()
    edit(any_client, {"op": "delete", "path": "/a"})
    items, after = any_client.delta(link)
    assert any("deleted" in item for item in items)
    assert any_client.delta(after)[0] == []
    assert any_client.delta(link)[0] == items


def test_a_deleted_folder_takes_all_below_with_it(any_client):
    made = edit(any_client, {"op": "mkdir", "path": "/d"}, {"op": "mkdir", "path": "/d/e"},
                {"op": "create", "path": "/d/e/f"})
    link = any_client.latest()
    edit(any_client, {"op": "delete", "path": "/d"})
    gone = {item["id"] for item in any_client.delta(link)[0] if "deleted" in item}
    assert made[0] in gone and gone <= set(made)
    assert all(any_client.get(f"/me/drive/items/{number}").status_code == 404 for number in made)


def test_business_names_all_that_went_with_a_folder_or_the_folder_alone(start):
    seen = set()
    for seed in range(1, 9):
        client = start("business", f"--seed={seed}")
        edit(client, {"op": "create", "path": "/d/f"})
        link = client.latest()
        edit(client, {"op": "delete", "path": "/d"})
        seen.add(sum("deleted" in item for item in client.delta(link)[0]))
    assert seen == {1, 2}


def test_what_was_moved_out_of_a_deleted_folder_lives(any_client):
    _, number = edit(any_client, {"op": "mkdir", "path": "/d"}, {"op": "create", "path": "/d/f"})
    link = any_client.latest()
    edit(any_client, {"op": "move", "path": "/d/f", "to": "/f"}, {"op": "delete", "path": "/d"})
    assert "deleted" not in by_id(any_client.delta(link)[0])[number]


def test_what_moved_into_a_folder_that_was_then_deleted_has_a_tombstone(start):
    for seed in range(1, 9):
        client = start("business", f"--seed={seed}")
        numbers = edit(client, {"op": "create", "path": "/f"}, {"op": "mkdir", "path": "/d"})
        link = client.latest()
        edit(client, {"op": "move", "path": "/f", "to": "/d/f"}, {"op": "delete", "path": "/d"})
        assert {item["id"] for item in client.delta(link)[0] if "deleted" in item} == set(numbers)


def test_a_delete_during_an_enumeration_leaves_no_tombstone_if_it_comes_first(any_client):
    edit(any_client, {"op": "bulk", "bulk": {"count": 10, "dir": "/d"}})
    page = any_client.json("/me/drive/root/delta?$top=5")
    told = {item["name"]: item["id"] for item in page["value"]}
    assert "bulk 000001.txt" in told and "bulk 000008.txt" not in told
    edit(any_client, {"op": "delete", "path": "/d/bulk 000001.txt"},
         {"op": "delete", "path": "/d/bulk 000008.txt"})
    rest, link = any_client.delta(page["@odata.nextLink"])
    assert not any("deleted" in item for item in rest)
    assert "bulk 000008.txt" not in {item["name"] for item in rest}
    gone = [item["id"] for item in any_client.delta(link)[0] if "deleted" in item]
    assert gone == [told["bulk 000001.txt"]]


def test_a_change_behind_an_enumeration_is_told_after_it(any_client):
    edit(any_client, {"op": "bulk", "bulk": {"count": 10, "dir": "/d"}})
    page = any_client.json("/me/drive/root/delta?$top=5")
    edit(any_client, {"op": "write", "path": "/d/bulk 000000.txt", "content": "new"},
         {"op": "create", "path": "/d/new"})
    rest, link = any_client.delta(page["@odata.nextLink"])
    later = {item["name"]: item for item in rest + any_client.delta(link)[0]}
    assert later["bulk 000000.txt"]["size"] == 3
    assert "new" in later


def test_delta_leaves_out_what_the_account_s_kind_leaves_out(any_client, profile):
    edit(any_client, {"op": "create", "path": "/a"})
    root, item = any_client.delta()[0]
    assert "eTag" not in root and "cTag" not in root
    assert ("cTag" in item) == (profile != "business")
    assert ("path" in item["parentReference"]) == (profile != "business")
    assert "@microsoft.graph.downloadUrl" not in item
    assert "name" not in item["parentReference"]


SPELLINGS = {
    "apply": ("resyncChangesApplyDifferences", None),
    "upload": ("resyncChangesUploadDifferences", None),
    "resyncRequired": ("resyncRequired", "resyncApplyDifferences"),
}


@pytest.mark.parametrize("code", SPELLINGS)
@pytest.mark.parametrize("location", [True, False])
def test_an_expired_token_is_410_in_each_spelling(any_client, code, location):
    edit(any_client, {"op": "create", "path": "/a"})
    _, link = any_client.delta()
    any_client.emulator.expire_delta(code, location)
    answer = any_client.get(link)
    assert error_of(answer) == (410, *SPELLINGS[code])
    assert ("Location" in answer.headers) == location
    if location:
        items, link = any_client.delta(answer.headers["Location"])
        assert len(items) == 2
        assert any_client.delta(link)[0] == []


def test_a_token_is_bound_to_its_drive_and_malformed_ones_are_400(client):
    _, link = client.delta()
    library = client.json("/me/drives")["value"][1]["id"]
    token = link.split("token=")[1]
    for path in (f"/drives/{library}/root/delta?token={token}",
                 "/me/drive/root/delta?token=bogus",
                 f"/me/drive/root/delta?token={token[:-3]}"):
        answer = client.get(path)
        assert error_of(answer)[:2] == (400, "invalidRequest")
        assert answer.json()["error"]["message"] == "Provided sync token is malformed"


def test_a_time_is_a_token_for_business_only(start):
    path = "/me/drive/root/delta?token=2021-01-01T00%3A00%3A00Z"
    assert start("business").get(path).status_code == 200
    assert start("consumer").get(path).status_code == 400


def test_the_delta_of_a_folder_is_scoped_for_personal_accounts_only(start):
    for profile in ("consumer", "business"):
        client = start(profile)
        folder, _, _ = edit(client, {"op": "mkdir", "path": "/d"},
                            {"op": "create", "path": "/d/in"}, {"op": "create", "path": "/out"})
        path = f"/me/drive/items/{folder}/delta"
        if profile == "business":
            assert client.get(path).status_code == 400
            continue
        items, link = client.delta(path)
        assert {item["name"] for item in items} == {"d", "in"}
        edit(client, {"op": "create", "path": "/out2"}, {"op": "create", "path": "/d/in2"})
        assert {item["name"] for item in client.delta(link)[0]} == {"root", "d", "in2"}


def test_entries_come_twice_and_children_before_parents(start):
    """What --plain switches off; many changes show each."""
    repeated = early = unknown = False
    client = start("business", "--seed=2", plain=False)
    link = client.latest()
    for number in range(200):
        edit(client, {"op": "create", "path": f"/d{number}/e/f"},
             {"op": "write", "path": f"/d{number}/e/f", "content": "x"})
        items, link = client.delta(link)
        numbers = [item["id"] for item in items]
        repeated |= len(set(numbers)) < len(numbers)
        early |= any(item["parentReference"].get("id") in numbers[place + 1:]
                     for place, item in enumerate(items))
        unknown |= any("futureFacet" in item for item in items)
    assert repeated and early and unknown
