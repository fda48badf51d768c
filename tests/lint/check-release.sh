#!/bin/sh
# SPDX-License-Identifier: MIT
# The emulator's scripts are in a release only if its local.am lists them, one by one.
set -eu
failed=0
for script in tests/emulator/*.py tests/emulator/*.json; do
    if ! grep -qF "$script" tests/emulator/local.am; then
        echo "$script: not in EXTRA_DIST of tests/emulator/local.am" >&2
        failed=1
    fi
done
exit $failed
