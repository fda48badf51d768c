dnl SPDX-License-Identifier: MIT
dnl GRAPHFS_CHECK_FLAGS(VARIABLE, FLAGS)
dnl Sets VARIABLE to those of FLAGS (separated by blanks; quote what belongs together) that the C
dnl compiler and linker take without a warning.
AC_DEFUN([GRAPHFS_CHECK_FLAGS], [
    $1=
    for graphfs_flag in m4_normalize([$2]); do
        AC_MSG_CHECKING([whether $CC takes $graphfs_flag])
        graphfs_saved_CFLAGS="$CFLAGS"
        CFLAGS="$CFLAGS -Werror $graphfs_flag"
        AC_LINK_IFELSE([AC_LANG_SOURCE([[#include <stddef.h>
int main(void)
{
    return 0;
}]])],
            [AC_MSG_RESULT([yes])
             AS_VAR_APPEND([$1], [" $graphfs_flag"])],
            [AC_MSG_RESULT([no])])
        CFLAGS="$graphfs_saved_CFLAGS"
    done
])
