#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure from configure.ac; needed once after cloning.
set -eu
cd "$(dirname "$0")"
exec autoreconf --force --install
