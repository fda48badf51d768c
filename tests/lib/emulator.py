# SPDX-License-Identifier: MIT
"""graph-emulator as a test sees it: one process on free ports, and its control requests.

GRAPH_EMULATOR names the binary; without it, tests/emulator/graph-emulator in top_builddir
(default: the current directory) is used. The process always ends with stop(), and with the `with`
block or the interpreter at the latest.
"""

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from waiting import wait_until

CONTROL_LIMIT_S = 60
STOP_LIMIT_S = 30


def binary():
    """The emulator that tests start."""
    named = os.environ.get("GRAPH_EMULATOR")
    if named:
        return named
    top = pathlib.Path(os.environ.get("top_builddir", ".")).resolve()
    return str(top / "tests" / "emulator" / "graph-emulator")


class Emulator:
    """A running emulator. `url` is what both graph_url and login_url are set to."""

    def __init__(self, profile="business", args=()):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="graph-emulator-"))
        self._process = None
        # An environment's proxy must not come between a test and its own server.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        atexit.register(self.stop)
        try:
            self._start(profile, args)
        except BaseException:
            self.stop()
            raise

    def _start(self, profile, args):
        ports = self._directory / "ports"
        output = self._directory / "output"
        with open(output, "wb") as stream:
            self._process = subprocess.Popen(
                [
                    binary(),
                    "--listen=127.0.0.1:0",
                    "--content-listen=127.0.0.1:0",
                    f"--port-file={ports}",
                    f"--profile={profile}",
                    *map(str, args),
                ],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

        def ready():
            if self._process.poll() is not None:
                raise AssertionError(f"the emulator ended: {output.read_text(errors='replace')}")
            return ports.exists()

        wait_until(ready, "the emulator to listen")
        self.port, self.content_port = map(int, ports.read_text().split())
        self.url = f"http://127.0.0.1:{self.port}"
        self.content_url = f"http://127.0.0.1:{self.content_port}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()

    def stop(self):
        """Ends the process and waits for it. May be called again."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        try:
            if process is not None:
                process.terminate()
                code = process.wait(STOP_LIMIT_S)
                assert code == 0, f"the emulator ended with {code}: {self._output()}"
        finally:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
            shutil.rmtree(self._directory, ignore_errors=True)

    def _output(self):
        return (self._directory / "output").read_text(errors="replace")

    def control(self, method, name, body=None):
        """One control request; returns the text of its answer, fails on any other status."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{name}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=CONTROL_LIMIT_S) as answer:
                return answer.read().decode("utf-8", "surrogateescape")
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise AssertionError(f"{method} {name} was refused: {error.code} {text}") from error

    def _post(self, name, **body):
        text = self.control("POST", name, body)
        return json.loads(text) if text else {}

    def edit(self, operations):
        """Makes the changes in order, as one step; returns what the emulator says, ids included."""
        return self._post("edit", ops=operations)

    def faults(self, faults):
        """Adds faults to those that wait."""
        return self._post("faults", faults=faults)

    def hits(self):
        """The faults with the number of requests that each has hit."""
        return json.loads(self.control("GET", "faults"))

    def clear_faults(self):
        """Removes all faults and lets go of what they stalled."""
        self.control("DELETE", "faults")

    def requests(self):
        """Counts: total, counts by template, content, login, bearer_on_content."""
        return json.loads(self.control("GET", "requests"))

    def reset_counts(self):
        self._post("reset-counts")

    def log(self, since=0):
        """The requests so far, oldest first, one dict each; control requests are not among them."""
        lines = self.control("GET", f"log?since={since}").splitlines()
        return [json.loads(line) for line in lines]

    def tree(self, drive="default"):
        """The truth: {"items": [...]}, whatever the read models show by now."""
        return json.loads(self.control("GET", f"tree?drive={drive}"))

    def clock(self, advance_ms):
        self._post("clock", advance_ms=advance_ms)

    def settle(self):
        """Moves the clock past all lag: every read model then shows the truth."""
        self._post("settle")

    def approve(self, user_code="", action="approve"):
        """Decides about a device code, the newest one without a code. approve, decline, expire."""
        self._post("approve", user_code=user_code, action=action)

    def tokens(self, action):
        self._post("tokens", action=action)

    def expire_delta(self, code="resyncRequired", location=False):
        """Every delta token given so far answers 410 from now on."""
        self._post("delta", action="expire-all", code=code, location=location)

    def quota(self, total, used):
        self._post("quota", total=total, used=used)
