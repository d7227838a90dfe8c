"""AWS, as moto plays it, on loopback: a process that tells its port and ends with its standard input."""

from __future__ import annotations

import sys

from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer


def main() -> None:
    default_user_config["lambda"]["use_docker"] = False
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
