#!/bin/sh
# SPDX-License-Identifier: MIT
# Scripts of the emulator and the bench are in a release only if a local.am lists them, one by one.
set -eu
failed=0
for script in tests/emulator/*.py tests/emulator/*.json tests/bench/*.py; do
    list=${script%/*}/local.am
    if ! grep -qF "$script" "$list"; then
        echo "$script: not in EXTRA_DIST of $list" >&2
        failed=1
    fi
done
exit $failed
