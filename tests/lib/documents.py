# SPDX-License-Identifier: MIT
"""Tables of docs/SEMANTICS.md, which tests have in Python too."""

import os
import pathlib


def tables_of(heading, first):
    """The tables below a heading whose first column is called `first`: lists of rows of cells.

    The columns' names are the first row of each.
    """
    top = pathlib.Path(os.environ.get("top_srcdir", "../.."))
    text = (top / "docs" / "SEMANTICS.md").read_text(encoding="utf-8")
    section = text[text.index(f"\n{heading}\n") + 1:].partition("\n")[2].partition("\n#")[0]
    tables, is_open = [], False
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            is_open = False
        elif cells[0] == first:
            is_open = True
            tables.append([cells])
        elif is_open and not cells[0].startswith("---"):
            tables[-1].append(cells)
    return tables
