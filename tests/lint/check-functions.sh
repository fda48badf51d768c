#!/bin/sh
# SPDX-License-Identifier: MIT
# Functions that can't be used safely, or not from several threads, are not used at all.
set -eu
banned='sprintf|vsprintf|strcpy|stpcpy|strcat|strtok|atoi|atol|atof|gets|alloca|strerror'
banned="$banned|localtime|gmtime|asctime|ctime|rand|srand|readdir_r|tmpnam|mktemp"
! grep -rnE --include='*.[ch]' "(^|[^[:alnum:]_>.])($banned)[[:space:]]*\(" src tests
