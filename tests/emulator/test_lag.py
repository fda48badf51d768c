# SPDX-License-Identifier: MIT
"""The read models: each learns of a change in its own time, never of an older state after a newer
one, and delta is right in the end. Seeds are fixed, so each run sees the same."""

import random

import pytest

LAG_MS = 10_000


@pytest.fixture(params=[1, 2, 3])
def lagging(start, request):
    return start("business", f"--lag={LAG_MS}", f"--seed={request.param}")


def edit(client, *operations):
    return client.emulator.edit(list(operations))["ids"]


def views(client, number, name):
    """In which of the models an item shows."""
    return {
        "item": client.get(f"/me/drive/items/{number}").status_code == 200,
        "path": client.get(f"/me/drive/root:/{name}").status_code == 200,
        "children": name in [item["name"] for item in client.children("/me/drive/root/children")],
        "delta": number in [item["id"] for item in client.delta()[0]],
    }


def test_a_new_item_shows_in_each_model_in_its_own_time(start):
    mixed = 0
    for seed in range(1, 6):
        client = start("business", f"--lag={LAG_MS}", f"--seed={seed}")
        [number] = edit(client, {"op": "create", "path": "/new"})
        before = {view: False for view in ("item", "path", "children", "delta")}
        for _ in range(10):
            client.emulator.clock(LAG_MS // 10)
            now = views(client, number, "new")
            assert all(now[view] or not before[view] for view in now), "a model forgot"
            mixed += len(set(now.values())) == 2
            before = now
        client.emulator.settle()
        assert all(views(client, number, "new").values())
    assert mixed > 0


def test_without_lag_everything_is_immediate(client):
    [number] = edit(client, {"op": "create", "path": "/new"})
    assert all(views(client, number, "new").values())


def test_a_model_never_goes_back(lagging):
    [number] = edit(lagging, {"op": "create", "path": "/f", "content": ""})
    lagging.emulator.settle()
    seen = []
    for size in range(1, 30):
        edit(lagging, {"op": "write", "path": "/f", "content": "x" * size})
        lagging.emulator.clock(700)
        seen.append(lagging.json(f"/me/drive/items/{number}")["size"])
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_an_item_is_nowhere_twice_in_a_listing_while_it_moves(lagging):
    edit(lagging, *({"op": "create", "path": f"/a/{i}"} for i in range(10)),
         {"op": "mkdir", "path": "/b"})
    lagging.emulator.settle()
    for i in range(10):
        edit(lagging, {"op": "move", "path": f"/a/{i}", "to": f"/b/{i}"},
             {"op": "move", "path": f"/b/{i}", "to": f"/b/x{i}"})
        lagging.emulator.clock(900)
        a = [item["id"] for item in lagging.children("/me/drive/root:/a:/children")]
        b = [item["id"] for item in lagging.children("/me/drive/root:/b:/children")]
        assert len(set(a + b)) == len(a + b) == 10


class Replica:
    """A client of delta as careless as can be: the last word on each id, from round to round."""

    def __init__(self, client):
        self.client = client
        self.items = {}
        self.link = "/me/drive/root/delta"

    def follow(self):
        entries, self.link = self.client.delta(self.link)
        for item in entries:
            if "deleted" in item:
                self.items.pop(item["id"], None)
            else:
                self.items[item["id"]] = item

    def tree(self):
        def path(item):
            parent = item["parentReference"].get("id")
            if parent is None:
                return ""
            return None if parent not in self.items or path(self.items[parent]) is None else (
                path(self.items[parent]) + "/" + item["name"])

        paths = {path(item): item for item in self.items.values()}
        # What is below a deleted folder went with it.
        return {where or "/": (item["id"], item.get("file", {}).get("hashes", {}).get("quickXorHash"))
                for where, item in paths.items() if where is not None}


def random_edit(source, paths):
    """One operation on a tree of at most a few dozen items; `paths` is the truth, files to True."""
    files = [path for path, is_file in paths.items() if is_file]
    folders = [path for path, is_file in paths.items() if not is_file] + [""]
    fresh = f"{source.choice(folders)}/n{source.randrange(10**6)}"
    kind = source.choice(["create", "create", "mkdir", "write", "move", "move", "delete", "touch"])
    if kind == "create":
        return {"op": "create", "path": fresh, "content": fresh}
    if kind == "mkdir":
        return {"op": "mkdir", "path": fresh}
    if kind == "write" and files:
        return {"op": "write", "path": source.choice(files), "content": str(source.random())}
    chosen = source.choice(list(paths)) if paths else None
    if chosen and kind == "delete":
        return {"op": "delete", "path": chosen}
    if chosen and kind == "touch":
        return {"op": "touch", "path": chosen, "mtime": 1_600_000_000 + source.randrange(10**6)}
    if chosen and kind == "move" and not fresh.startswith(chosen + "/"):
        return {"op": "move", "path": chosen, "to": fresh}
    return None


def truth(client):
    return {item["path"]: (item["id"], item.get("quickXorHash"))
            for item in client.emulator.tree()["items"]}


@pytest.mark.parametrize("kind", ["business", "consumer", "consumer-legacy"])
@pytest.mark.parametrize("seed", range(4))
def test_following_delta_leads_to_the_truth(start, kind, seed):
    client = start(kind, f"--lag={LAG_MS}", f"--seed={seed + 1}")
    source, replica = random.Random(seed), Replica(client)
    for _ in range(60):
        for _ in range(source.randrange(1, 5)):
            tree = client.emulator.tree()["items"]
            paths = {item["path"]: item["type"] == "file" for item in tree if item["path"] != "/"}
            operation = random_edit(source, paths)
            if operation:
                edit(client, operation)
        client.emulator.clock(source.randrange(LAG_MS // 2))
        if source.random() < 0.7:
            replica.follow()
    client.emulator.settle()
    replica.follow()
    assert replica.tree() == truth(client)


def test_pages_while_names_change_hold_each_item_of_the_view_once(start):
    # So long that the time which the requests take changes nothing.
    lag_ms = 2_000_000
    client = start("consumer-legacy", f"--lag={lag_ms}", "--seed=5")
    edit(client, {"op": "bulk", "bulk": {"count": 60, "dir": ""}})
    client.emulator.settle()
    edit(client, *({"op": "move", "path": f"/bulk {number:06}.txt", "to": f"/moved {number}"}
                   for number in range(0, 60, 3)),
         *({"op": "delete", "path": f"/bulk {number:06}.txt"} for number in range(1, 60, 6)))
    for _ in range(11):
        whole = client.json("/me/drive/root/children?$top=1000")
        names = [item["name"] for item in whole["value"]]
        assert names == sorted(names) and whole["@odata.count"] == len(names)
        assert len({item["id"] for item in whole["value"]}) == len(names)
        paged = client.children("/me/drive/root/children?$top=7")
        assert [item["name"] for item in paged] == names
        client.emulator.clock(lag_ms // 10)
        client.tokens = client.refresh().json()
    assert len(names) == 50 and sum(name.startswith("moved") for name in names) == 20
