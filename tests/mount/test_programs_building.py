# SPDX-License-Identifier: MIT
"""git, make and sqlite3 in a mount that is written to."""

import os
import re
import signal
import sqlite3
import subprocess
import sys

import pytest

from trees import truth, walk, write_file
from writing import Requests, assert_sent, make_writing_world, mount_to_write, send

GIT = ["git", "-c", "safe.directory=*", "-c", "user.name=A", "-c", "user.email=a@example.com",
       "-c", "init.defaultBranch=main", "-c", "gc.autoDetach=false"]


def run(*command, cwd=None):
    done = subprocess.run(list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False)
    assert done.returncode == 0, (command, done.stdout.decode(errors="replace"))
    return done.stdout.decode()


# While changes are made, and after all of them.
@pytest.fixture(params=[0, 120], ids=["sent at once", "sent later"])
def mount(make_world, request):
    return mount_to_write(make_writing_world(make_world), request.param)


def named_uploads(requests):
    """The names of the files whose making was asked for."""
    asked = [one for one in requests.changing() if "/content" in one or "/createUploadSession" in one]
    names = [re.search(r":/([^/]+):/", one) for one in asked]
    return [name.group(1) for name in names if name]


# ---- git ----

@pytest.fixture
def repository(tmp_path):
    """One of four commits with forty files."""
    top = tmp_path / "repository"
    run(*GIT, "init", "-q", top)
    for commit in range(4):
        for number in range(10):
            write_file(top / f"folder {number % 3}/{commit}-{number}.txt", b"line\n" * 50 * number)
        write_file(top / "changing.txt", b"line\n" * commit)
        run(*GIT, "add", "-A", cwd=top)
        run(*GIT, "commit", "-q", "-m", f"commit {commit}", cwd=top)
    return top


def test_git_works_in_a_mount(mount, repository, tmp_path):
    clone = mount / "clone"
    run(*GIT, "clone", "-q", "--no-local", repository, clone)
    assert run(*GIT, "status", "--porcelain", cwd=clone) == ""
    run(*GIT, "checkout", "-q", "-b", "branch", cwd=clone)
    (clone / "changing.txt").write_bytes(b"changed\n")
    run(*GIT, "rm", "-q", "folder 1/0-1.txt", cwd=clone)
    run(*GIT, "mv", "folder 2", "moved", cwd=clone)
    run(*GIT, "commit", "-q", "-a", "-m", "in the mount", cwd=clone)
    run(*GIT, "checkout", "-q", "-", cwd=clone)
    run(*GIT, "merge", "-q", "--no-ff", "-m", "merged", "branch", cwd=clone)
    run(*GIT, "gc", "-q", cwd=clone)
    assert run(*GIT, "fsck", "--strict", cwd=clone) == ""
    assert_sent(mount)
    mount.unmount()
    mount.account.emulator.settle()  # a folder that was deleted isn't told of any more
    mount.start()
    requests = Requests(mount.account.emulator)
    assert run(*GIT, "status", "--porcelain", cwd=clone) == ""
    assert run(*GIT, "fsck", "--strict", cwd=clone) == ""
    assert requests.downloads() == []
    run(*GIT, "clone", "-q", "--no-local", clone, tmp_path / "back")
    assert run(*GIT, "log", "--topo-order", "--format=%s", cwd=tmp_path / "back").splitlines()[:2] == [
        "merged", "in the mount"]


def test_gits_temporary_files_cost_no_request(make_world, repository):
    world = make_writing_world(make_world)
    mount = mount_to_write(world, upload_delay=600)
    requests = Requests(world.emulator)
    run(*GIT, "clone", "-q", "--no-local", repository, mount / "clone")
    (mount / "clone/changing.txt").write_bytes(b"changed\n")
    run(*GIT, "commit", "-q", "-a", "-m", "in the mount", cwd=mount / "clone")
    run(*GIT, "gc", "-q", cwd=mount / "clone")
    run(*GIT, "status", cwd=mount / "clone")
    assert requests.changing() == []
    send(mount)
    files = [path for path, entry in truth(world.emulator).items() if entry[0] == "file"]
    assert {os.path.basename(path).replace(" ", "%20") for path in files} >= set(
        named_uploads(requests))


# ---- make ----

MAKEFILE = """\
CFLAGS = -O1 -MMD -pipe
objects = main.o one.o two.o
program: $(objects)
\t$(CC) -o $@ $(objects)
-include $(objects:.o=.d)
clean:
\trm -f program $(objects) $(objects:.o=.d)
"""


@pytest.fixture
def project(tmp_path):
    top = tmp_path / "project"
    write_file(top / "Makefile", MAKEFILE.encode())
    write_file(top / "number.h", b"#define NUMBER 1\nint one(void), two(void);\n")
    for name in "one", "two":
        write_file(top / f"{name}.c", f'#include "number.h"\nint {name}(void) {{ return NUMBER; }}'.encode())
    write_file(top / "main.c", b'#include <stdio.h>\n#include "number.h"\n'
               b'int main(void) { return printf("%d\\n", one() + two()) < 0; }\n')
    return top


def test_make_builds_what_has_changed_and_nothing_else(mount, project):
    run("cp", "-r", "--preserve=timestamps", project, mount / "project")
    run("make", cwd=mount / "project")
    assert run(mount / "project/program") == "2\n"
    for _ in range(2):
        assert "up to date" in run("make", cwd=mount / "project")
        send(mount)
        mount.unmount()
        mount.start()
    (mount / "project/number.h").write_text("#define NUMBER 4\nint one(void), two(void);\n")
    run("make", cwd=mount / "project")
    assert run(mount / "project/program") == "8\n"
    assert_sent(mount)


def test_what_is_built_and_cleaned_costs_no_request(make_world, project):
    world = make_writing_world(make_world)
    mount = mount_to_write(world, upload_delay=600)
    run("cp", "-r", "--preserve=timestamps", project, mount / "project")
    send(mount)
    requests = Requests(world.emulator)
    run("make", cwd=mount / "project")
    run("make", "clean", cwd=mount / "project")
    send(mount)
    assert requests.changing() == []
    run("make", cwd=mount / "project")
    assert_sent(mount)
    assert sorted(named_uploads(requests)) == [
        "main.d", "main.o", "one.d", "one.o", "program", "two.d", "two.o"]
    assert walk(project).items() <= walk(mount / "project").items()


# ---- sqlite3 ----

FILL = """\
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(f"PRAGMA journal_mode={sys.argv[2]}")
database.execute("PRAGMA synchronous=FULL")
database.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, text)")
for number in range(1, int(sys.argv[3]) + 1):
    database.execute("BEGIN IMMEDIATE")
    for part in range(20):
        database.execute("INSERT INTO rows (text) VALUES (?)", (f"{number} {part} " * 50,))
    database.execute("DELETE FROM rows WHERE number % 7 = 0")
    database.execute("COMMIT")
    print(number, flush=True)
"""


def fill(path, journal, count, **options):
    return subprocess.Popen([sys.executable, "-c", FILL, path, journal, str(count)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def look_at(path):
    """The number of rows, of a database that is whole."""
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT count(*) FROM rows").fetchone()[0]
    finally:
        database.close()


JOURNALS = ["delete", "truncate", "persist"]


@pytest.mark.parametrize("journal", JOURNALS)
def test_sqlite_works_with_a_journal_of_each_kind(mount, tmp_path, journal):
    for path in mount / "database", tmp_path / "database":
        with fill(path, journal, 30) as filling:
            _, errors = filling.communicate(timeout=120)
        assert filling.returncode == 0, errors
    assert look_at(mount / "database") == look_at(tmp_path / "database")
    assert_sent(mount)
    mount.unmount()
    mount.account.emulator.settle()  # a journal that was deleted isn't told of any more
    mount.start()
    assert look_at(mount / "database") == look_at(tmp_path / "database")


@pytest.mark.parametrize("journal", JOURNALS)
def test_sqlite_loses_nothing_that_was_committed_when_the_daemon_is_killed(make_world, tmp_path,
                                                                           journal):
    mount = mount_to_write(make_writing_world(make_world))
    with fill(mount / "database", journal, 100_000) as filling:
        lines = iter(filling.stdout.readline, "")
        for line in lines:
            if int(line) == 12:
                break
        mount.kill9()
        committed = max([12, *map(int, lines)])
        filling.wait(60)
    assert filling.returncode not in (0, -signal.SIGKILL)
    mount.clean_up()
    mount.start()
    rows = {}
    for count in committed, committed + 1:
        path = tmp_path / f"database{count}"
        with fill(path, journal, count) as expecting:
            assert expecting.wait(120) == 0
        rows[count] = look_at(path)
    # The one under way may have been committed before it could be told.
    assert look_at(mount / "database") in rows.values()
    assert not [name for name in os.listdir(mount) if name not in ("database", "database-journal")]
    assert_sent(mount)
