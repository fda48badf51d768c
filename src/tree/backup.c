/* SPDX-License-Identifier: MIT */
/* Names that programs give to the former file when they save another one under its name. */
#include "config.h"

#include "tree/names.h"

#include <string.h>

/* In `after` a '9' stands for digits. */
static const struct {
    const char *before;
    const char *after;
    bool without_ending; /* that of the name is left out */
} forms[] = {
    { "", "~", false },       /* vim, emacs, kate, gedit */
    { "", ".~9~", false },    /* emacs, numbered */
    { "", ".bak", false },    /* nano, many others */
    { "", ".bak", true },     /* LibreOffice */
    { "", ".orig", false },   /* patch, git */
    { "", ".old", false },    /* scripts */
    { "", ".backup", false }, /* scripts */
    { "", ".save", false },   /* nano */
    { "#", "#", false },      /* emacs */
};

static bool is_tail(const char *text, const char *form)
{
    for (; *form; form++) {
        size_t digits = *form == '9' ? strspn(text, "0123456789") : 0;

        if (*form == '9' ? digits == 0 : *text != *form)
            return false;
        text += *form == '9' ? digits : 1;
    }
    return *text == '\0';
}

static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

bool name_is_backup_of(const char *shown_name, const char *original)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t before = strlen(forms[i].before);
        size_t length = forms[i].without_ending ? stem_length(original) : strlen(original);

        if (strncmp(shown_name, forms[i].before, before) == 0 &&
            strncmp(shown_name + before, original, length) == 0 &&
            is_tail(shown_name + before + length, forms[i].after))
            return true;
    }
    return false;
}
