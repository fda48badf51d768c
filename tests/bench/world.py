# SPDX-License-Identifier: MIT
"""Where contrib/bench measures: the emulator as clients of the service reach it, and who reads from it.

enter() starts the program anew in namespaces of its own (network, mounts, processes). The names of the
service are addresses of this machine there, and nothing outlives them: whatever the bench started ends,
and whatever it mounted is gone, when its first process ends, in whichever way.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import requests

from emulator import Emulator
from graphfs import Account, mounted_at
from h2proxy import H2Proxy
from waiting import wait_until

INSIDE = "GRAPHFS_BENCH_INSIDE"
HOSTS = {
    "graph.microsoft.com": "127.0.0.1",
    "login.microsoftonline.com": "127.0.0.1",
    "bench-my.sharepoint.com": "127.0.0.2",
}
CLIENT_ID = "00000000-0000-4000-8000-000000000001"
FAR = 100_000_000
STOP_LIMIT_S = 30
# As rclone's documentation advises for a mount.
RCLONE_FLAGS = ("--vfs-cache-mode=full", "--vfs-cache-max-age=1000h", "--dir-cache-time=1000h",
                "--attr-timeout=1h", "--poll-interval=1m")
# For files that are read in order; it makes random reads fetch far more.
RCLONE_AHEAD = "--vfs-read-ahead=128M"


def run(*command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def enter():
    """Returns in the private namespaces, with the names of the service in /etc/hosts."""
    if INSIDE not in os.environ:
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", *root, "--net", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", sys.executable, *sys.argv])
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    # The first process of a namespace ignores what it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run("ip", "link", "set", "lo", "up")
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.writelines(f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **HOSTS}.items())
        hosts.flush()
        run("mount", "--bind", hosts.name, "/etc/hosts")


def unmount(place):
    subprocess.run(["umount", str(place)], check=False)


class World:
    """One emulator behind TLS, an account of graphfs and a remote of rclone for it."""

    def __init__(self, directory, *args):
        self.directory = pathlib.Path(directory)
        self._ending = contextlib.ExitStack()
        with contextlib.ExitStack() as ending:
            self.proxy = ending.enter_context(H2Proxy(hosts=HOSTS))
            self.emulator = ending.enter_context(Emulator(args=[
                "--auto-approve", f"--token-ttl={FAR}", f"--url-ttl={FAR}", "--plain",
                # rclone sends its bearer to wherever it is redirected.
                "--forgive-bearer",
                *self.proxy.options, *args]))
            self.proxy.start(self.emulator)
            os.environ["SSL_CERT_FILE"] = str(self.proxy.authority)
            self._ending = ending.pop_all()
        self._number = 0
        self._tokens = {}
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(self.proxy.authority)
        self._ending.callback(self._session.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self._ending.close()

    def fresh(self, name):
        """A directory that nobody has used before."""
        self._number += 1
        path = self.directory / f"{name}-{self._number}"
        path.mkdir(parents=True)
        return path

    def counting(self):
        """Begins to count: a function that tells how many requests were made and how much of contents
        they brought. It waits for those under way: call it when whoever made them has ended."""
        self.emulator.reset_counts()
        before = len(self.proxy.contents())

        def count():
            requests = self.emulator.requests()
            wait_until(lambda: len(self.proxy.contents()) - before >= requests["content"], "contents to end")
            contents = self.proxy.contents()[before:]
            return {"requests": requests["total"], "MiB fetched": sum(size for _, size in contents) / 2**20}

        return count

    def counted(self, function):
        """Measures of the function, which ends what it begins, and what it cost."""
        count = self.counting()
        measured = function()
        return {**measured, **count()}

    @property
    def curl_command(self):
        """curl, whatever authority its environment tells it to trust."""
        return ["curl", "-q", "-sS", "--fail", "--cacert", str(self.proxy.authority)]

    def _request(self, method, url, **options):
        answer = self._session.request(method, url, **options)
        answer.raise_for_status()
        return answer.json()

    def sign_in(self, client_id=CLIENT_ID):
        """The answer of the sign-in service: what a client keeps as its token."""
        if client_id not in self._tokens:
            login = "https://login.microsoftonline.com/common/oauth2/v2.0"
            code = self._request("POST", f"{login}/devicecode", data={
                "client_id": client_id, "scope": "Files.ReadWrite.All offline_access"})
            self._tokens[client_id] = self._request("POST", f"{login}/token", data={
                "client_id": client_id, "device_code": code["device_code"],
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code"})
        return self._tokens[client_id]

    def graph(self, path, body=None):
        """The answer of Graph, as JSON; a body is posted. All requests share a connection."""
        url = path if path.startswith("https:") else f"https://graph.microsoft.com/v1.0{path}"
        bearer = f"Bearer {self.sign_in()['access_token']}"
        method, options = ("GET", {}) if body is None else ("POST", {"json": body})
        return self._request(method, url, headers={"Authorization": bearer}, **options)

    def account(self, scope=None):
        """A fresh account of graphfs, signed in."""
        account = Account(self.fresh("graphfs"), self.emulator, client_id=CLIENT_ID,
                          graph_url=self.proxy.url, login_url="https://login.microsoftonline.com",
                          ca_file=str(self.proxy.authority))
        account.run("login", "--method=device", *([f"--scope={scope}"] if scope else []))
        return account

    def rclone(self, *flags):
        return Rclone(self, flags)


class Rclone:
    """`rclone mount` with a cache of its own; `path` is the mount point."""

    def __init__(self, world, flags):
        self._flags = flags
        self._directory = world.fresh("rclone")
        self.path = self._directory / "mount"
        self.path.mkdir()
        self._process = None
        tokens = world.sign_in()
        token = {key: tokens[key] for key in ("access_token", "token_type", "refresh_token")}
        token["expiry"] = "2099-01-01T00:00:00Z"
        drive = world.graph("/me/drive")
        self._config = self._directory / "rclone.conf"
        self._config.write_text(f"[bench]\ntype = onedrive\ntoken = {json.dumps(token)}\n"
                                f"drive_id = {drive['id']}\ndrive_type = {drive['driveType']}\n")

    def work(self, *arguments):
        """What a command of rclone prints; the remote is `bench:`."""
        done = subprocess.run(["rclone", f"--config={self._config}", "--retries=1", "--low-level-retries=1",
                               *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def start(self):
        with open(self._directory / "log", "wb") as log:
            self._process = subprocess.Popen(
                ["rclone", "mount", f"--config={self._config}", f"--cache-dir={self._directory / 'cache'}",
                 *RCLONE_FLAGS, *self._flags, "bench:", str(self.path)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            text = (self._directory / "log").read_text(errors="replace")
            assert self._process.poll() is None, f"rclone ended: {text}"
            return mounted_at(self.path)

        wait_until(ready, "rclone to mount")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        process, self._process = self._process, None
        if process:
            process.terminate()
            try:
                process.wait(STOP_LIMIT_S)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                if mounted_at(self.path):
                    run("umount", "-l", self.path)

    def __exit__(self, kind, error, trace):
        self.stop()


@contextlib.contextmanager
def bound(source, place):
    """The tree at source through bindfs."""
    place.mkdir()
    run("bindfs", "--no-allow-other", source, place)
    try:
        yield place
    finally:
        unmount(place)
