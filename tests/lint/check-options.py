#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What --help says and what the manual pages say is the same: commands, options, mount options."""

import pathlib
import re
import subprocess
import sys

LONG_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
MOUNT_OPTION = re.compile(r"^ +([a-z][a-z_]+)(?:=\S+)?(?: {2,}|$)", re.MULTILINE)


def help_of(*command):
    """What a command's --help prints."""
    return subprocess.run([*command, "--help"], check=True, capture_output=True, text=True).stdout


def manual(path):
    """A manual page as plain text, on lines long enough not to break a word."""
    command = ["mandoc", "-T", "ascii", "-O", "width=500", path]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r".\x08", "", text)


def differences(what, in_help, in_manual, path):
    """Complaints about what is only in one of two sets."""
    for name in sorted(in_help - in_manual):
        yield f"{path}: doesn't tell of {what}{name}"
    for name in sorted(in_manual - in_help):
        yield f"{path}: tells of {what}{name}, which --help doesn't know"


def check_commands(program):
    """graphfs(1) against `graphfs --help` and the help of each command."""
    path = "docs/man/graphfs.1"
    text = manual(path)
    overview = help_of(program)
    verbs = set(re.findall(r"^ {2,}([a-z]+)\b", overview, re.MULTILINE))
    documented = set(re.findall(r"^\.It Cm ([a-z]+)$", pathlib.Path(path).read_text(), re.MULTILINE))
    yield from differences("", verbs, documented, path)
    options = set(LONG_OPTION.findall(overview))
    for verb in verbs:
        options.update(LONG_OPTION.findall(help_of(program, verb)))
    yield from differences("--", options, set(LONG_OPTION.findall(text)), path)


def check_mount_options(program):
    """graphfs.conf(5), section MOUNT OPTIONS, against what `graphfs mount --help` says of -o."""
    path = "docs/man/graphfs.conf.5"
    options = set(MOUNT_OPTION.findall(help_of(program, "mount").partition("-o")[2]))
    _, _, section = pathlib.Path(path).read_text().partition("\n.Sh MOUNT OPTIONS\n")
    section = section.partition("\n.Sh ")[0]
    documented = set()
    for line in re.findall(r"^\.It Cm (.*)$", section, re.MULTILINE):
        documented.update(re.findall(r"(?:^|, )([a-z][a-z_]+)", line))
    yield from differences("", options, documented, path)


def check_emulator(program):
    """graph-emulator(1) against its --help."""
    path = "docs/man/graph-emulator.1"
    options = set(LONG_OPTION.findall(help_of(program)))
    yield from differences("--", options, set(LONG_OPTION.findall(manual(path))), path)


def check_markup():
    """The manual pages are well-formed."""
    for path in sorted(pathlib.Path("docs/man").glob("*.[1-9]")):
        result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path],
                                check=False, capture_output=True, text=True)
        yield from result.stdout.splitlines()


def main():
    build = pathlib.Path(sys.argv[1])
    graphfs, emulator = build / "src/graphfs", build / "tests/emulator/graph-emulator"
    checks = [check_markup()]
    # `make lint` builds all programs first: one that isn't there isn't in the lists yet.
    if graphfs.exists():
        checks += [check_commands(graphfs), check_mount_options(graphfs)]
    if emulator.exists():
        checks.append(check_emulator(emulator))
    failed = False
    for check in checks:
        for complaint in check:
            print(complaint)
            failed = True
    return failed


sys.exit(main())
