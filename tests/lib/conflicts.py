# SPDX-License-Identifier: MIT
"""What becomes of changes that are made here and on the server at the same time, as tables.

Both sides speak one small language: "create PATH", "write PATH", "touch PATH", "mkdir PATH",
"move PATH TO", "delete PATH" (a folder: with all in it). What a side writes is its name, "here" or
"there", unless a further word says something else; what is there before is "base".

Each cell says in a word what comes out, as docs/SEMANTICS.md does, and then everything that is
there in the end, on both sides: "PATH=CONTENT@ORIGIN" of files, "PATH/@ORIGIN" of folders. The
origin says which item of the server's it is: the path that it had at the start, or the side that
made it. "!" in a path stands for " (conflict HOST TIME)". Of folders only those need be told that
hold nothing; those that were empty at the start are left out.
"""

# What the words in the tables mean.
WORDS = {
    "both": "both are kept, what is from here under the name of a conflict copy",
    "merge": "both changes are in effect",
    "theirs": "as the server has it",
    "ours": "as it is here",
    "again": "what was deleted there is made again, as far as it was changed here",
    "back": "what was deleted here comes back, as far as it was changed there",
    "one": "both are one and the same",
    "gone": "it is deleted",
}

# How one side does something; {} is that side. The second part is what must be there for it.
FILE_OPERATIONS = {
    "write": ("write x", ""),
    "touch": ("touch x", ""),
    "rename": ("move x x-{}", ""),
    "move": ("move x a-{}/x", "a-{}/"),
    "delete": ("delete x", ""),
    "replace": ("delete x, create x", ""),
}

NAME_OPERATIONS = {
    "create": ("create n", ""),
    "mkdir": ("mkdir n, create n/{}", ""),
    "rename": ("move p-{} n", "p-{}"),
    "move": ("move a-{}/p n", "a-{}/ a-{}/p"),
    "rename a folder": ("move d-{} n", "d-{}/ d-{}/f"),
}

FOLDER_OPERATIONS = {
    "rename": ("move d d-{}", ""),
    "move": ("move d a-{}/d", "a-{}/"),
    "delete": ("delete d", ""),
    "create in it": ("create d/n-{}", ""),
    "write in it": ("write d/f", ""),
    "delete in it": ("delete d/f", ""),
    "rename in it": ("move d/f d/f-{}", ""),
    "move into it": ("move p-{} d/p-{}", "p-{}"),
    "move out of it": ("move d/f f-{}", ""),
}

FILE_CELLS = {
    "write": {
        "write": "both: x=there@x x!=here@here",
        "touch": "merge: x=here@x",
        "rename": "merge: x-there=here@x",
        "move": "merge: a-there/x=here@x",
        "delete": "again: x=here@here",
        "replace": "both: x=there@there x!=here@here",
    },
    "touch": {
        "write": "theirs: x=there@x",
        "touch": "ours: x=base~here@x",
        "rename": "merge: x-there=base~here@x",
        "move": "merge: a-there/x=base~here@x",
        "delete": "gone:",
        "replace": "theirs: x=there@there",
    },
    "rename": {
        "write": "merge: x-here=there@x",
        "touch": "merge: x-here=base~there@x",
        "rename": "theirs: x-there=base@x",
        "move": "theirs: a-there/x=base@x",
        "delete": "gone:",
        "replace": "theirs: x=there@there",
    },
    "move": {
        "write": "merge: a-here/x=there@x",
        "touch": "merge: a-here/x=base~there@x",
        "rename": "theirs: x-there=base@x",
        "move": "theirs: a-there/x=base@x",
        "delete": "gone:",
        "replace": "theirs: x=there@there",
    },
    "delete": {
        "write": "back: x=there@x",
        "touch": "back: x=base~there@x",
        "rename": "back: x-there=base@x",
        "move": "back: a-there/x=base@x",
        "delete": "gone:",
        "replace": "theirs: x=there@there",
    },
    "replace": {
        "write": "both: x=there@x x!=here@here",
        "touch": "merge: x=here@x",
        "rename": "merge: x-there=here@x",
        "move": "merge: a-there/x=here@x",
        "delete": "again: x=here@here",
        "replace": "both: x=there@there x!=here@here",
    },
}

NAME_CELLS = {
    "create": {
        "create": "both: n=there@there n!=here@here",
        "mkdir": "both: n/there=there@there n!=here@here",
        "rename": "both: n=base@p-there n!=here@here",
        "move": "both: n=base@a-there/p n!=here@here",
        "rename a folder": "both: n/@d-there n/f=base@d-there/f n!=here@here",
    },
    "mkdir": {
        "create": "both: n=there@there n!/here=here@here",
        "mkdir": "one: n/@there n/here=here@here n/there=there@there",
        "rename": "both: n=base@p-there n!/here=here@here",
        "move": "both: n=base@a-there/p n!/here=here@here",
        "rename a folder": "one: n/@d-there n/here=here@here n/f=base@d-there/f",
    },
    "rename": {
        "create": "both: n=there@there n!=base@p-here",
        "mkdir": "both: n/there=there@there n!=base@p-here",
        "rename": "both: n=base@p-there n!=base@p-here",
        "move": "both: n=base@a-there/p n!=base@p-here",
        "rename a folder": "both: n/@d-there n/f=base@d-there/f n!=base@p-here",
    },
    "move": {
        "create": "both: n=there@there n!=base@a-here/p",
        "mkdir": "both: n/there=there@there n!=base@a-here/p",
        "rename": "both: n=base@p-there n!=base@a-here/p",
        "move": "both: n=base@a-there/p n!=base@a-here/p",
        "rename a folder": "both: n/@d-there n/f=base@d-there/f n!=base@a-here/p",
    },
    "rename a folder": {
        "create": "both: n=there@there n!/@d-here n!/f=base@d-here/f",
        "mkdir": "both: n/there=there@there n!/@d-here n!/f=base@d-here/f",
        "rename": "both: n=base@p-there n!/@d-here n!/f=base@d-here/f",
        "move": "both: n=base@a-there/p n!/@d-here n!/f=base@d-here/f",
        "rename a folder": "both: n/@d-there n/f=base@d-there/f n!/@d-here n!/f=base@d-here/f",
    },
}

# Of what was done in a folder on both sides the tables above tell.
FOLDER_CELLS = {
    "rename": {
        "rename": "theirs: d-there/@d d-there/f=base@d/f d-there/s/g=base@d/s/g",
        "move": "theirs: a-there/d/@d a-there/d/f=base@d/f a-there/d/s/g=base@d/s/g",
        "delete": "gone:",
        "create in it":
            "merge: d-here/@d d-here/f=base@d/f d-here/n-there=there@there d-here/s/g=base@d/s/g",
        "write in it": "merge: d-here/@d d-here/f=there@d/f d-here/s/g=base@d/s/g",
        "delete in it": "merge: d-here/@d d-here/s/g=base@d/s/g",
        "rename in it": "merge: d-here/@d d-here/f-there=base@d/f d-here/s/g=base@d/s/g",
        "move into it":
            "merge: d-here/@d d-here/f=base@d/f d-here/p-there=base@p-there d-here/s/g=base@d/s/g",
        "move out of it": "merge: d-here/@d f-there=base@d/f d-here/s/g=base@d/s/g",
    },
    "move": {
        "rename": "theirs: d-there/@d d-there/f=base@d/f d-there/s/g=base@d/s/g",
        "move": "theirs: a-there/d/@d a-there/d/f=base@d/f a-there/d/s/g=base@d/s/g",
        "delete": "gone:",
        "create in it":
            "merge: a-here/d/@d a-here/d/f=base@d/f a-here/d/n-there=there@there "
            "a-here/d/s/g=base@d/s/g",
        "write in it": "merge: a-here/d/@d a-here/d/f=there@d/f a-here/d/s/g=base@d/s/g",
        "delete in it": "merge: a-here/d/@d a-here/d/s/g=base@d/s/g",
        "rename in it": "merge: a-here/d/@d a-here/d/f-there=base@d/f a-here/d/s/g=base@d/s/g",
        "move into it":
            "merge: a-here/d/@d a-here/d/f=base@d/f a-here/d/p-there=base@p-there "
            "a-here/d/s/g=base@d/s/g",
        "move out of it": "merge: a-here/d/@d f-there=base@d/f a-here/d/s/g=base@d/s/g",
    },
    "delete": {
        "rename": "back: d-there/@d",
        "move": "back: a-there/d/@d",
        "delete": "gone:",
        "create in it": "back: d/@d d/n-there=there@there",
        "write in it": "back: d/@d d/f=there@d/f",
        "delete in it": "gone:",
        "rename in it": "back: d/@d d/f-there=base@d/f",
        "move into it": "back: d/@d d/p-there=base@p-there",
        "move out of it": "back: f-there=base@d/f",
    },
    "create in it": {
        "rename":
            "merge: d-there/@d d-there/f=base@d/f d-there/n-here=here@here d-there/s/g=base@d/s/g",
        "move":
            "merge: a-there/d/@d a-there/d/f=base@d/f a-there/d/n-here=here@here "
            "a-there/d/s/g=base@d/s/g",
        "delete": "again: d/@here d/n-here=here@here",
    },
    "write in it": {
        "rename": "merge: d-there/@d d-there/f=here@d/f d-there/s/g=base@d/s/g",
        "move": "merge: a-there/d/@d a-there/d/f=here@d/f a-there/d/s/g=base@d/s/g",
        "delete": "again: d/@here d/f=here@here",
    },
    "delete in it": {
        "rename": "merge: d-there/@d d-there/s/g=base@d/s/g",
        "move": "merge: a-there/d/@d a-there/d/s/g=base@d/s/g",
        "delete": "gone:",
    },
    "rename in it": {
        "rename": "merge: d-there/@d d-there/f-here=base@d/f d-there/s/g=base@d/s/g",
        "move": "merge: a-there/d/@d a-there/d/f-here=base@d/f a-there/d/s/g=base@d/s/g",
        "delete": "gone:",
    },
    "move into it": {
        "rename":
            "merge: d-there/@d d-there/f=base@d/f d-there/p-here=base@p-here "
            "d-there/s/g=base@d/s/g",
        "move":
            "merge: a-there/d/@d a-there/d/f=base@d/f a-there/d/p-here=base@p-here "
            "a-there/d/s/g=base@d/s/g",
        "delete": "again: d/@here d/p-here=base@p-here",
    },
    "move out of it": {
        "rename": "merge: d-there/@d f-here=base@d/f d-there/s/g=base@d/s/g",
        "move": "merge: a-there/d/@d f-here=base@d/f a-there/d/s/g=base@d/s/g",
        "delete": "gone:",
    },
}

# name: what is there before, what is done here, what there, the cell.
SPECIAL_CELLS = {
    "the same new file on both sides":
        ("", "create n same", "create n same", "one: n=same@there"),
    "the same bytes written on both sides":
        ("x", "write x same", "write x same", "one: x=same@x"),
    "the same bytes written on both sides, with different times":
        ("x", "write x same, touch x", "write x same, touch x", "one: x=same~here@x"),
    "the same new file on both sides, with different times":
        ("", "create x same, touch x", "create x same, touch x", "one: x=same~here@there"),
    "new files whose names differ in case":
        ("", "create name", "create NAME", "both: NAME=there@there name!=here@here"),
    "new folders whose names differ in case":
        ("", "mkdir name, create name/here", "mkdir NAME, create NAME/there",
         "one: name/@there name/here=here@here name/there=there@there"),
    "a file renamed here to what differs in case from a new one":
        ("x", "move x name", "create NAME", "both: NAME=there@there name!=base@x"),
    "new files of one size and one time":
        ("", "create n one1, touch n there", "create n two2, touch n",
         "both: n=two2@there n!=one1@here"),
    "contents of one size and one time":
        ("x", "write x one1, touch x there", "write x two2, touch x",
         "both: x=two2@x x!=one1@here"),
    "each of two folders moved into the other":
        ("d/ d/f e/ e/g", "move d e/d", "move e d/e",
         "theirs: d/@d d/e/@e d/f=base@d/f d/e/g=base@e/g"),
    "two files that change names there, one is written here":
        ("x y", "write x", "move x t, move y x, move t y", "merge: y=here@x x=base@y"),
    "two files that change names here, one is written there":
        ("x y", "move x t, move y x, move t y", "write x", "merge: y=there@x x=base@y"),
    "a file that becomes a folder there and is written here":
        ("x", "write x", "delete x, mkdir x, create x/y", "both: x/y=there@there x!=here@here"),
    "a file deep in a folder that is deleted there is written here":
        ("d/ d/e/ d/e/f/ d/e/f/x d/e/g", "write d/e/f/x", "delete d",
         "again: d/@here d/e/@here d/e/f/@here d/e/f/x=here@here"),
    "a tree that is made in a folder that is deleted there":
        ("d/ d/x", "mkdir d/e, mkdir d/e/f, create d/e/f/y", "delete d",
         "again: d/@here d/e/f/y=here@here"),
    "a folder is deleted here and made again, with what somebody else put into the former":
        ("d/ d/x", "delete d, mkdir d, create d/here", "create d/there",
         "one: d/@d d/here=here@here d/there=there@there"),
    "the same new folder with the same file on both sides":
        ("", "mkdir d, create d/f same", "mkdir d, create d/f same",
         "one: d/@there d/f=same@there"),
    "the same rename on both sides": ("x", "move x n", "move x n", "one: n=base@x"),
    "two files that change names on both sides":
        ("x y", "move x t, move y x, move t y", "move x t, move y x, move t y",
         "one: x=base@y y=base@x"),
    "a name with an ending":
        ("x.txt", "write x.txt", "write x.txt", "both: x.txt=there@x.txt x!.txt=here@here"),
    "written and renamed here, written there":
        ("x", "write x, move x x-here", "write x", "both: x=there@x x-here=here@here"),
    "written here, written and renamed there":
        ("x", "write x", "write x, move x x-there", "both: x-there=there@x x-there!=here@here"),
    "written and renamed here, deleted there":
        ("x", "write x, move x x-here", "delete x", "again: x-here=here@here"),
    "renamed here, renamed and written there":
        ("x", "move x x-here", "move x x-there, write x-there", "theirs: x-there=there@x"),
    "deleted here, renamed and written there":
        ("x", "delete x", "move x x-there, write x-there", "back: x-there=there@x"),
    "a folder is renamed here, and a file in it written on both sides":
        ("d/ d/f", "move d d-here, write d-here/f", "write d/f",
         "both: d-here/@d d-here/f=there@d/f d-here/f!=here@here"),
    "a file is moved here into a folder that is renamed there":
        ("d/ x", "move x d/x", "move d e", "merge: e/@d e/x=base@x"),
    "a file is moved here into a folder that is deleted there, as the file is":
        ("d/ d/f x", "move x d/x", "delete d, delete x", "gone:"),
    "a file is saved here from a folder that is deleted here, and written there":
        ("d/ d/f", "move d/f f, delete d", "write d/f", "merge: f=there@d/f"),
    "a file becomes a folder here and is written there":
        ("x", "delete x, mkdir x, create x/y", "write x", "both: x=there@x x!/y=here@here"),
    "a folder becomes a file here, and something is put into it there":
        ("d/ d/f", "delete d, create d", "create d/n", "both: d/@d d/n=there@there d!=here@here"),
    "a folder is made here in one that becomes a file there":
        ("d/ d/f", "mkdir d/e, create d/e/n", "delete d, create d",
         "both: d=there@there d!/e/n=here@here"),
}


class Cell:
    """One pair of changes, in a folder of its own."""

    def __init__(self, name, start, here, there, end):
        self.name = name
        self.start = start.split()
        self.here = [step.split() for step in here.split(", ")]
        self.there = [step.split() for step in there.split(", ")]
        self.word, _, end = end.partition(":")
        self.end = end.split()


def _filled(operation, side):
    return tuple(part.replace("{}", side) for part in operation)


def _cells_of(subject, start, operations, table):
    for here, row in table.items():
        for there, end in row.items():
            do_here, needs_here = _filled(operations[here], "here")
            do_there, needs_there = _filled(operations[there], "there")
            needs = " ".join((start, needs_here, needs_there))
            yield Cell(f"{subject}: {here}, {there}", needs, do_here, do_there, end)


TABLES = {
    "file": ("x", FILE_OPERATIONS, FILE_CELLS),
    "name": ("", NAME_OPERATIONS, NAME_CELLS),
    "folder": ("d/ d/f d/s/ d/s/g", FOLDER_OPERATIONS, FOLDER_CELLS),
}


def all_cells():
    """Every cell of every table, with the start that it needs."""
    for subject, (start, operations, table) in TABLES.items():
        yield from _cells_of(subject, start, operations, table)
    for name, (start, here, there, end) in SPECIAL_CELLS.items():
        yield Cell(name, start, here, there, end)
