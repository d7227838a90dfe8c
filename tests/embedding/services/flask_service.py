"""Flask under waitress with threads, over the engine's facade for threads."""

from __future__ import annotations

import signal
import socket
import sys

import flask
import msgspec
import waitress
from tests.embedding.services.functions import CITIES, FUNCTIONS, LIMITS

import isthmus.sync

app = flask.Flask(__name__)


def stop(number: int, frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    with isthmus.sync.open_engine(limits=LIMITS) as engine:

        @engine.capability("city.of")
        def city_of(user: str) -> str:
            return CITIES[user]

        instances = {name: engine.load(function) for name, function in FUNCTIONS.items()}

        @app.post("/<name>")
        def call(name: str) -> flask.Response:
            outcome = engine.invoke(instances[name], flask.request.get_data(), timeout=90)
            return flask.Response(msgspec.json.encode(outcome), mimetype="application/json")

        @app.get("/stats")
        def stats() -> flask.Response:
            return flask.Response(msgspec.json.encode(engine.stats()), mimetype="application/json")

        waitress.serve(app, sockets=[socket.socket(fileno=int(sys.argv[1]))], threads=8)
    print("closed", flush=True)


if __name__ == "__main__":
    main()
