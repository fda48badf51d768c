# SPDX-License-Identifier: MIT
"""HTTP/2 in front of the emulator, which speaks 1.1 only: Debian's nghttpx.

Graph and contents each have a frontend of their own, over TLS with a certificate of an authority made
for the purpose (`authority` is its file), or h2c without. The emulator must be told where clients find
contents, so its options come from here:

    with H2Proxy() as proxy, Emulator(args=proxy.options) as emulator:
        proxy.start(emulator)
        ... proxy.url ...

Where the network is private (contrib/bench) the frontends can have the names that clients of the service
know, on port 443; contents then come by HTTP/1.1, so that a connection carries one of them, as the
emulator's limit of bandwidth counts them.
"""

import atexit
import contextlib
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile

from waiting import wait_until

STOP_LIMIT_S = 30
CONNECTIONS = 64


# Below those that the kernel gives out by itself, so that nobody gets one between the choice and
# nghttpx, which can't be told to take a free one.
PORTS = range(10_000, 32_000)


def _free_port(taken):
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if port not in taken:
                    return port


def _free_ports(count):
    ports = []
    for _ in range(count):
        ports.append(_free_port(ports))
    return ports


def _listens(place):
    with socket.socket() as probe:
        return probe.connect_ex(place) == 0


class H2Proxy:
    """`url` and `content_url` are the public origins; nothing answers there before start().

    hosts: {name: address} of a private network: the first is Graph's, the last the contents'.
    """

    def __init__(self, tls=True, hosts=None):
        self._tls = tls
        self._hosts = hosts
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="h2proxy-"))
        self._processes = []
        atexit.register(self.stop)
        if hosts:
            self._places = [(address, 443) for address in (list(hosts.values())[0], list(hosts.values())[-1])]
            origins = [list(hosts)[0], list(hosts)[-1]]
        else:
            self._places = [("127.0.0.1", port) for port in _free_ports(2)]
            origins = [f"{address}:{port}" for address, port in self._places]
        self.authority = self._directory / "authority.pem"
        if tls:
            self._make_certificates()
        scheme = "https" if tls else "http"
        self.url, self.content_url = (f"{scheme}://{origin}" for origin in origins)
        self.options = [f"--content-url={self.content_url}"]

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self._directory, check=True,
                       capture_output=True)

    def _make_certificates(self):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=h2proxy authority",
                      "-keyout", "authority.key", "-out", self.authority.name)
        self._openssl("req", *curve, "-subj", "/CN=127.0.0.1", "-keyout", "proxy.key",
                      "-out", "proxy.csr")
        names = ["IP:127.0.0.1", "DNS:localhost", *(f"DNS:{name}" for name in self._hosts or ())]
        (self._directory / "extensions").write_text(f"subjectAltName={','.join(names)}\n")
        self._openssl("x509", "-req", "-in", "proxy.csr", "-CA", self.authority.name,
                      "-CAkey", "authority.key", "-CAcreateserial", "-days", "2",
                      "-extfile", "extensions", "-out", "proxy.pem")

    def start(self, emulator):
        """Begins to pass requests on; returns once both frontends accept connections."""
        backends = {"graph": emulator.port, "content": emulator.content_port}
        for place, (subject, backend) in zip(self._places, backends.items()):
            protocols = "http/1.1" if self._hosts and subject == "content" else "h2,http/1.1"
            self._run(subject, place, backend, protocols)
        wait_until(lambda: all(map(_listens, self._places)), "nghttpx to listen")

    def _run(self, subject, place, backend, protocols):
        address, port = place
        frontend = f"{address},{port}" + ("" if self._tls else ";no-tls")
        pair = ["proxy.key", "proxy.pem"] if self._tls else []
        self._processes.append(subprocess.Popen(
            ["nghttpx", "--conf=/dev/null", "--single-process", "--no-location-rewrite",
             "--no-ocsp", f"--frontend={frontend}", f"--backend=127.0.0.1,{backend}",
             f"--npn-list={protocols}",
             f"--backend-connections-per-frontend={CONNECTIONS}",
             f"--errorlog-file={self._directory / f'errors-{subject}'}",
             f"--accesslog-file={self._directory / subject}",
             "--accesslog-format=$remote_port $alpn $body_bytes_sent $request", *pair],
            cwd=self._directory, stdin=subprocess.DEVNULL))

    def _log(self, subject):
        return [line.split(" ", 3) for line in (self._directory / subject).read_text().splitlines()]

    def requests(self):
        """The requests to Graph so far: (port that the connection came from, protocol, line)."""
        return [(port, protocol, request) for port, protocol, _, request in self._log("graph")]

    def contents(self):
        """The requests for contents that have ended: (port of the connection, bytes that it got)."""
        return [(port, int(size)) for port, _, size, _ in self._log("content")]

    def stop(self):
        """Ends it and waits for it. May be called again."""
        atexit.unregister(self.stop)
        for process in self._processes:
            process.kill()
            process.wait(STOP_LIMIT_S)
        self._processes = []
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
