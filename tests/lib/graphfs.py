# SPDX-License-Identifier: MIT
"""graphfs as a test sees it: an account with its own directories, and mounts of it.

An Account is a home of its own (configuration, state, cache) that talks to one emulator. A Mount
is one mounted file system; it always goes away, with its process, however the test ends.

GRAPHFS names the binary; without it, src/graphfs in top_builddir (default: the current
directory) is used. The binary must be configured with --enable-test-hooks.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import signal
import subprocess

from waiting import wait_until

COMMAND_LIMIT_S = 60
# Rounds run when a test asks for them (Mount.pull), never by themselves in the middle of one.
POLL_S = 3600

_PR_SET_CHILD_SUBREAPER = 36


def binary():
    """The graphfs under test."""
    named = os.environ.get("GRAPHFS")
    if named:
        return named
    return str(pathlib.Path(os.environ.get("top_builddir", ".")).resolve() / "src" / "graphfs")


def adopt_orphans():
    """Makes daemons that leave their parent children of this process, which can then reap them."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def mounted_at(path):
    """Whether a file system is mounted at exactly this place. Doesn't touch the place itself."""
    escaped = str(path).replace("\\", "\\134").replace(" ", "\\040")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        return any(line.split()[4] == escaped for line in mounts)


def is_running(pid):
    """Whether the process lives; one that has ended but wasn't waited for doesn't."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Account:
    """One account of graphfs with directories of its own."""

    def __init__(self, directory, emulator, name="default", **settings):
        self.directory = pathlib.Path(directory)
        self.emulator = emulator
        self.name = name
        self.config_home = self.directory / "config"
        self.state_home = self.directory / "state"
        self.cache_home = self.directory / "cache"
        for path in (self.config_home / "graphfs", self.state_home, self.cache_home):
            path.mkdir(parents=True, exist_ok=True)
        self.settings = {
            "client_id": "00000000-0000-4000-8000-000000000001",
            "graph_url": emulator.url if emulator else "http://127.0.0.1:9",
            "login_url": emulator.url if emulator else "http://127.0.0.1:9",
            **settings,
        }
        self.configure()

    @property
    def state_dir(self):
        return self.state_home / "graphfs" / self.name

    @property
    def cache_dir(self):
        return self.cache_home / "graphfs" / self.name

    @property
    def log_file(self):
        return self.state_dir / "graphfs.log"

    @property
    def environment(self):
        return {
            **os.environ,
            "HOME": str(self.directory),
            "XDG_CONFIG_HOME": str(self.config_home),
            "XDG_STATE_HOME": str(self.state_home),
            "XDG_CACHE_HOME": str(self.cache_home),
            "LC_ALL": "C.UTF-8",
        }

    def configure(self, **changes):
        """Writes the configuration file; a setting that is None is left out."""
        self.settings.update(changes)
        lines = [f"[account {self.name}]"]
        lines += [f"{key} = {value}" for key, value in self.settings.items() if value is not None]
        path = self.config_home / "graphfs" / "config"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self, verb, *arguments):
        takes_account = verb in ("login", "logout", "mount", "api")
        account = ["-a", self.name] if takes_account else []
        return [binary(), verb, *account, *map(str, arguments)]

    def run(self, verb, *arguments, check=True, timeout=COMMAND_LIMIT_S, **options):
        """Runs a verb to its end; returns the completed process with its text."""
        done = subprocess.run(
            self.command(verb, *arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
            **options,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{done.args} ended with {done.returncode}:\n{done.stderr}")
        return done

    def start(self, verb, *arguments):
        """Starts a verb and returns the running process, its output as text."""
        return subprocess.Popen(
            self.command(verb, *arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )

    def login(self):
        """Signs in by device code; the emulator must have been started with --auto-approve."""
        return self.run("login", "--method=device")

    def logout(self):
        return self.run("logout")

    def mount(self, directory=None, **options):
        """A Mount of this account, not yet mounted: use it in a `with`."""
        return Mount(self, directory or self.directory / "mount", **options)

    def log(self):
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


class Mount:
    """A mounted account. `path` is the mount point; mount / sub joins, as with a Path."""

    def __init__(self, account, directory, root="/me/drive", options=(), foreground=False):
        self.account = account
        self.path = pathlib.Path(directory)
        self.root = root
        self.options = [f"poll={POLL_S}", *options]
        self.foreground = foreground
        self.pid = None
        self._process = None
        self._output = None

    def __truediv__(self, name):
        return self.path / name

    def __fspath__(self):
        return str(self.path)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.clean_up()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None and self.pid is not None:
                self.unmount()
        finally:
            self.clean_up()

    @property
    def arguments(self):
        foreground = ["-f"] if self.foreground else []
        return [f"--root={self.root}", "-o", ",".join(self.options), *foreground, self.path]

    def start(self):
        """Mounts, and returns once the mount answers."""
        self.path.mkdir(parents=True, exist_ok=True)
        adopt_orphans()
        if self.foreground:
            self._start_foreground()
        else:
            self.account.run("mount", *self.arguments)
            self.pid = self.status()["pid"]

    def _start_foreground(self):
        output = self.account.directory / "foreground.log"
        with open(output, "ab") as stream:
            self._process = subprocess.Popen(
                self.account.command("mount", *self.arguments),
                env=self.account.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self.pid = self._process.pid

        def ready():
            if self._process.poll() is not None:
                raise AssertionError(f"graphfs mount -f ended: {output.read_text(errors='replace')}")
            return mounted_at(self.path)

        wait_until(ready, "graphfs mount -f to mount")

    def unmount(self):
        """Unmounts in the ordinary way; the daemon must end by itself, and without an error."""
        self.account.run("unmount", self.path)
        self.expect_exit(0)

    def expect_exit(self, code):
        """Waits for the daemon's end and checks how it ended (a negative code is a signal)."""
        pid, self.pid = self.pid, None
        ended = self._wait_for_exit(pid)
        assert ended == code, f"the daemon ended with {ended}, not {code}:\n{self.account.log()}"

    def _wait_for_exit(self, pid):
        if self._process is not None:
            return self._process.wait(COMMAND_LIMIT_S)

        def ended():
            done, status = os.waitpid(pid, os.WNOHANG)
            return (os.waitstatus_to_exitcode(status),) if done else None

        return wait_until(ended, "the daemon to end")[0]

    def signal(self, number):
        os.kill(self.pid, number)

    def kill9(self):
        """Kills the daemon the hard way; leaves the stale mount behind, as a crash does."""
        self.signal(signal.SIGKILL)
        self.expect_exit(-signal.SIGKILL)

    def clean_up(self):
        """Whatever state things are in: no mount and no process is left."""
        subprocess.run(["fusermount3", "-uzq", str(self.path)], check=False)
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                self._wait_for_exit(self.pid)
            self.pid = None

    def control(self, request):
        """Sends one request to the daemon and returns its answer, a dict."""
        handle = os.open(self / ".graphfs/control", os.O_RDWR)
        try:
            os.write(handle, request.encode() + b"\n")
            answer = b""
            while piece := os.read(handle, 65536):
                answer += piece
        finally:
            os.close(handle)
        return json.loads(answer)

    def status(self):
        return json.loads((self / ".graphfs/status").read_bytes())

    def settle(self):
        """Returns when all that the server has to tell has arrived, down to the kernel's caches."""
        self.account.emulator.settle()
        self.pull()

    def pull(self):
        """A round of delta now, and all its notifications sent."""
        answer = self.control("pull")
        assert answer["ok"], answer
        self.quiet()

    def sync(self, *paths, check=True):
        """`graphfs sync` of the mount, or of these paths in it; the completed process."""
        return self.account.run("sync", *(paths or [self.path]), check=check)

    def quiet(self):
        """Waits until the daemon has nothing under way."""
        self.control("settle")

    def await_closes(self, left_open=0):
        """Returns when the daemon knows of the closes so far, which the kernel tells it later."""
        wait_until(lambda: self.status()["open_files"] == left_open, "the files to be closed")

    def clock(self, advance_ms):
        """Moves the time of both sides, then lets the daemon do what has come due."""
        self.account.emulator.clock(advance_ms)
        self.control(f"clock {advance_ms}")
        self.quiet()
