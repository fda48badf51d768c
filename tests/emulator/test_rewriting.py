# SPDX-License-Identifier: MIT
"""What the service does to a file after its upload."""

import pytest

SENT = b"as it was sent"


def rewritten(client, item):
    stored = client.content("/" + item["name"])
    assert stored != SENT and stored.startswith(SENT)
    assert item["size"] == len(stored)
    truth = client.paths()["/" + item["name"]]
    assert truth["quickXorHash"] == item["file"]["hashes"]["quickXorHash"]
    return True


@pytest.mark.parametrize("ending", ["docx", "XLSX", "pptx", "html"])
def test_sharepoint_stores_office_files_in_its_own_way(start, ending):
    client = start("business", "--rewrite-office")
    item = client.upload(f"/f.{ending}", SENT)
    assert rewritten(client, item)
    link = client.latest()
    client.emulator.clock(1_000)
    assert client.json(f"/me/drive/root:/f.{ending}")["eTag"] == item["eTag"]
    client.emulator.clock(1_000)
    later = client.json(f"/me/drive/root:/f.{ending}")
    assert later["eTag"] != item["eTag"] and later["cTag"] == item["cTag"]
    assert item["id"] in [one["id"] for one in client.delta(link)[0]]
    client.emulator.clock(10_000)
    assert client.json(f"/me/drive/root:/f.{ending}")["eTag"] == later["eTag"]


def test_a_session_s_file_is_rewritten_as_well(start):
    client = start("business", "--rewrite-office")
    url = client.post("/me/drive/root:/f.docx:/createUploadSession").json()["uploadUrl"]
    answer = client.session.put(url, data=SENT,
                                headers={"Content-Range": f"bytes 0-{len(SENT) - 1}/{len(SENT)}"})
    assert answer.status_code == 201 and rewritten(client, answer.json())


def test_other_files_and_other_drives_are_stored_as_sent(start):
    client = start("business", "--rewrite-office")
    client.upload("/f.txt", SENT)
    assert client.content("/f.txt") == SENT
    client = start("consumer", "--rewrite-office")
    client.upload("/f.docx", SENT)
    assert client.content("/f.docx") == SENT
    client = start("business")
    client.upload("/f.docx", SENT)
    assert client.content("/f.docx") == SENT


def test_tags_that_move_late(start):
    client = start("business", "--late-tags=5000")
    tags = [client.upload("/f", SENT)["eTag"]]
    for _ in range(4):
        client.emulator.clock(5_000)
        tags.append(client.json("/me/drive/root:/f")["eTag"])
    assert tags[0] != tags[1] != tags[2] == tags[3] == tags[4]


def test_what_is_deleted_gets_no_late_tag(start):
    client = start("business", "--late-tags=5000")
    client.upload("/f", SENT)
    client.delete("/me/drive/root:/f")
    link = client.latest()
    client.emulator.clock(20_000)
    assert client.delta(link)[0] == []


def test_hashes_that_come_late(start, profile):
    client = start(profile, "--hash-delay=5000")
    assert "hashes" not in client.upload("/f", SENT)["file"]
    client.emulator.clock(5_000)
    assert "quickXorHash" in client.json("/me/drive/root:/f")["file"]["hashes"]
