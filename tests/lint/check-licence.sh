#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source file says its licence in the first line, scripts in the second.
set -eu
find src tests contrib .ci m4 autogen.sh configure.ac Makefile.am -type f \
    \( -name '*.[ch]' -o -name '*.am' -o -name '*.ac' -o -name '*.m4' -o -name '*.py' -o -name '*.sh' -o \
    -perm -u+x \) ! -path '*/data/*' ! -path '*/__pycache__/*' |
    LC_ALL=C sort | {
    failed=0
    while read -r file; do
        if ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT'; then
            echo "$file:1: no SPDX-License-Identifier line"
            failed=1
        fi
    done
    exit $failed
}
