# SPDX-License-Identifier: MIT
"""A network that can be unplugged: passes connections on to a local port, or has them refused.

An emulator's faults can close a connection; only this makes a connection impossible, which is
what graphfs calls offline, and possible again at the same place.
"""

import contextlib
import socket
import threading

CHUNK_BYTES = 1 << 16


def _socket(port=0):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def _pass_on(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    # The end of one direction ends the connection, as it does for HTTP.
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Relay:
    """`url` stays the same. Use it in a `with`; it begins unplugged."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._place = _socket()  # keeps the port ours; it never listens
        self._port = self._place.getsockname()[1]
        self._listener = None
        self._lock = threading.Lock()
        self._ends = []  # lock
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.unplug()
        self._place.close()

    def plug_in(self):
        self._listener = _socket(self._port)
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def unplug(self):
        """Nobody is let in from now on, and who was is cut off."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with self._lock:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends = []

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with self._lock:
                    if listener is not self._listener:
                        client.close()
                        return
                    server = socket.create_connection(self._target)
                    self._ends += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()
