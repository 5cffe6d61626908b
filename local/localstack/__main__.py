"""Run LocalStack with our image functions until interrupted: `make localstack`."""

import argparse
import signal
import sys
import threading
from types import FrameType

from local import stack
from local.images import WORK, ImageError
from local.localstack import server

_PORT = 4566


def main() -> int:
    """Parse the arguments and serve; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.localstack", description=__doc__)
    parser.add_argument("--port", type=int, default=_PORT, help=f"port of the endpoint (default {_PORT})")
    options = parser.parse_args()
    # The instance ends with its block also when it is terminated.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with server.localstack(WORK / "localstack", port=options.port) as endpoint:
            print(f"LocalStack runs at {endpoint.url}; Ctrl-C stops it. In another shell:\n")
            print(f"  AWS_ENDPOINT_URL={endpoint.url} make integration TARGET=localstack", flush=True)
            threading.Event().wait()
    except (stack.StackError, ImageError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
