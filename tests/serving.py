"""Servers of the tests, in threads of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from threading import Thread

# A server notices its end at its next look, half a second apart by default.
_POLL_SECONDS = 0.01


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve in a thread during the block; the caller closes the server."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
