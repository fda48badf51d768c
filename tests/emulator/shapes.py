# SPDX-License-Identifier: MIT
"""The shape of an answer: which properties it has, down to the last level, and of what types.

The recordings that the shapes in shapes.json were taken from belong to others and aren't kept here;
what is kept are the facts in them. `shapes.py FILE...` prints the shape of JSON answers, to add one.
"""

import json
import sys

TYPES = {bool: "bool", int: "number", float: "number", str: "string", type(None): "null"}


def shape(value, prefix=""):
    """{path of a property: its types, sorted}; the elements of a list are taken together."""
    found = {}

    def add(paths):
        for path, kinds in paths.items():
            found[path] = sorted({*found.get(path, []), *kinds})

    if isinstance(value, dict):
        add({prefix: ["object"]})
        for key, inner in value.items():
            add(shape(inner, f"{prefix}.{key}" if prefix else key))
    elif isinstance(value, list):
        add({f"{prefix}[]": ["list"]})
        for inner in value:
            add(shape(inner, prefix))
    else:
        add({prefix: [TYPES[type(value)]]})
    return found


def main(paths):
    shapes = {}
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            shapes[path] = shape(json.load(stream))
    json.dump(shapes, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
