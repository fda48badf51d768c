# SPDX-License-Identifier: MIT
"""Listings: pages, their links, and what a page boundary does to changes."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from client import error_of


def fill(client, count):
    client.emulator.edit([{"op": "bulk", "bulk": {"count": count, "dir": "/d"}}])


def test_a_page_has_two_hundred_items_unless_asked(any_client):
    fill(any_client, 450)
    sizes = [len(page["value"]) for page in any_client.pages("/me/drive/root:/d:/children")]
    assert sizes == [200, 200, 50]


def test_top_is_honoured_on_every_page(any_client):
    fill(any_client, 10)
    pages = list(any_client.pages("/me/drive/root:/d:/children?$top=4&$select=name"))
    assert [len(page["value"]) for page in pages] == [4, 4, 2]
    assert all("size" not in item for page in pages for item in page["value"])


def test_all_pages_together_are_the_folder_in_the_order_of_names(any_client):
    fill(any_client, 450)
    names = [item["name"] for item in any_client.children("/me/drive/root:/d:/children")]
    assert len(set(names)) == 450 and names == sorted(names)


def test_the_token_is_opaque_and_continues_after_a_name(any_client):
    fill(any_client, 10)
    page = any_client.json("/me/drive/root:/d:/children?$top=3")
    [token] = parse_qs(urlsplit(page["@odata.nextLink"]).query)["$skiptoken"]
    assert token.startswith("1!,") and token.endswith("+=")
    text = base64.urlsafe_b64decode(token[3:-2] + "==").decode()
    assert text.startswith("Paged=TRUE&p_SortBehavior=1&p_FileLeafRef=bulk%20000002.txt&p_ID=")


def test_a_link_that_was_decoded_and_encoded_anew_is_400(any_client):
    fill(any_client, 3)
    link = any_client.json("/me/drive/root:/d:/children?$top=2")["@odata.nextLink"]
    assert any_client.get(link).status_code == 200
    for changed in (link.replace("%2B%3D", "+="), link.replace("1!", "1%21"),
                    link.replace("%2C", ",")):
        assert any_client.batch(changed.split("/v1.0")[1])[0]["status"] == 400


def test_changes_between_pages_move_only_themselves(any_client):
    fill(any_client, 6)
    page = any_client.json("/me/drive/root:/d:/children?$top=3")
    any_client.emulator.edit([{"op": "delete", "path": "/d/bulk 000002.txt"},
                              {"op": "create", "path": "/d/aaa"},
                              {"op": "create", "path": "/d/zzz"}])
    rest = [item["name"] for more in any_client.pages(page["@odata.nextLink"])
            for item in more["value"]]
    assert rest == ["bulk 000003.txt", "bulk 000004.txt", "bulk 000005.txt", "zzz"]


def test_expanded_children_go_on_by_a_link(any_client):
    fill(any_client, 450)
    folder = any_client.json("/me/drive/root:/d?$expand=children")
    assert len(folder["children"]) == 200
    rest = any_client.children(folder["children@odata.nextLink"])
    names = [item["name"] for item in folder["children"] + rest]
    assert len(set(names)) == 450 and names == sorted(names)


def test_expanded_children_have_what_is_selected_for_them(any_client):
    fill(any_client, 5)
    query = "$select=id&$expand=children($select=id,name;$top=2)"
    folder = any_client.json(f"/me/drive/root:/d?{query}")
    assert "name" not in folder
    rest = any_client.children(folder["children@odata.nextLink"])
    assert len(folder["children"]) == 2 and len(rest) == 3
    assert all({"id", "name"} <= item.keys() and "size" not in item
               for item in folder["children"] + rest)
    few = any_client.json("/me/drive/root:/d?$expand=children($top=5)")
    assert len(few["children"]) == 5 and "children@odata.nextLink" not in few
    for options in ("$select=nonsense", "$top=0", "$levels=2"):
        assert any_client.get(f"/me/drive/root?$expand=children({options})").status_code == 400


@pytest.mark.parametrize("query", ["$skiptoken=nonsense", "$top=0", "$top=-1"])
def test_a_query_that_means_nothing_is_400(any_client, query):
    assert error_of(any_client.get(f"/me/drive/root/children?{query}")) == (
        400, "invalidRequest", "invalidQueryOption")


def test_a_file_has_no_children(any_client):
    any_client.emulator.edit([{"op": "create", "path": "/f"}])
    assert any_client.get("/me/drive/root:/f:/children").status_code == 404


def test_an_empty_page_with_a_next_link_happens(start):
    client = start("business", "--seed=5", plain=False)
    fill(client, 100)
    pages = list(client.pages("/me/drive/root:/d:/children?$top=2"))
    assert any(not page["value"] for page in pages)
    assert sum(len(page["value"]) for page in pages) == 100
    links = [page["@odata.nextLink"] for page in pages[:-1]]
    assert len(set(links)) == len(links)
