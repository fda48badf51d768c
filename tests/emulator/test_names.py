# SPDX-License-Identifier: MIT
"""Which names the service takes."""

import json
from urllib.parse import quote

import pytest

from client import error_of

REFUSED = ["a*b", "a:b", "a<b", "a>b", "a?b", "a|b", 'a"b', "a\\b", "a/b", "a\x01b", "a\x7fb", "",
           " a", "a ", "a.", "..", "CON", "con.txt", "PRN", "aux.c", "NUL", "COM0", "com9.x", "LPT1",
           ".lock", "desktop.ini", "Desktop.INI", "~$x.docx", "a_vti_b", "x" * 256, "é" * 256,
           "\U0001f600" * 128]
TAKEN = ["a#b", "100%25.txt", "a+b", "a&b'c;d=e", "~a", "CONS", "COM", "COM10", "locks",
         ".hidden", "a..b", "x" * 255, "\U0001f600" * 127, "é", "é", "con file"]


def ways(client, name):
    """The answers to each way to give that name to something."""
    item, folder = client.upload("/subject"), client.mkdir("home")
    below = f"/me/drive/items/{folder['id']}"
    yield client.post(f"{below}/children", {"name": name, "folder": {}})
    yield client.patch(f"/me/drive/items/{item['id']}", {"name": name})
    if name and "/" not in name and name != "..":
        spelled = quote(name, safe="")
        yield client.put(f"{below}:/{spelled}:/content", b"x")
        yield client.post(f"{below}:/{spelled}:/createUploadSession")


@pytest.mark.parametrize("name", REFUSED, ids=range(len(REFUSED)))
def test_a_name_that_is_refused_everywhere(client, name):
    for answer in ways(client, name):
        assert error_of(answer)[:2] == (400, "invalidRequest"), answer.url
    assert client.paths().keys() == {"/", "/subject", "/home"}


@pytest.mark.parametrize("name", TAKEN, ids=range(len(TAKEN)))
def test_a_name_that_is_taken_as_it_is(any_client, name):
    item, folder = any_client.upload("/subject"), any_client.mkdir("home")
    answer = any_client.put(f"/me/drive/items/{folder['id']}:/{quote(name, safe='')}:/content")
    assert (answer.status_code, answer.json()["name"]) == (201, name)
    answer = any_client.patch(f"/me/drive/items/{item['id']}", {"name": name})
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    assert f"/home/{name}" in any_client.paths()


def test_composed_and_decomposed_letters_are_different_names(any_client):
    any_client.upload("/%C3%A9")
    any_client.upload("/e%CC%81")
    assert len(any_client.paths()) == 3


def test_names_that_differ_by_case_collide(any_client):
    any_client.upload("/%C3%84.txt", b"1")
    answer = any_client.put("/me/drive/root:/%C3%A4.TXT:/content", b"2")
    assert (answer.status_code, answer.json()["name"]) == (200, "Ä.txt")
    answer = any_client.post("/me/drive/root/children", {"name": "ä.txt", "folder": {}})
    assert error_of(answer)[:2] == (409, "nameAlreadyExists")


def test_a_whole_path_has_its_limit_too(any_client):
    parent = "root"
    for _ in range(3):
        parent = "items/" + any_client.mkdir("x" * 120, parent)["id"]
    answer = any_client.post(f"/me/drive/{parent}/children", {"name": "y" * 40, "folder": {}})
    assert error_of(answer) == (400, "invalidRequest", "pathIsTooLong")
    any_client.mkdir("y" * 30, parent)


def test_what_only_libraries_refuse(start, profile):
    client = start(profile)
    folder = client.mkdir("d")
    expected = 400 if profile == "business" else 201
    for path, name in (("/me/drive/root", "Forms"), ("/me/drive/root", "~tmp")):
        answer = client.post(f"{path}/children", {"name": name, "folder": {}})
        assert answer.status_code == expected
    client.upload("/~file")
    client.mkdir("forms", f"items/{folder['id']}")


def test_a_name_that_is_no_text_in_utf_8_is_refused(client):
    answer = client.put("/me/drive/root:/a%ff:/content")
    assert error_of(answer)[:2] == (400, "invalidRequest")
    body = json.dumps({"name": "x", "folder": {}}).replace("x", "\\ud800").encode()
    answer = client.request("POST", "/me/drive/root/children", data=body)
    assert answer.status_code == 400 or "\ufffd" in answer.json()["name"]
