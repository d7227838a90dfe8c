"""``isthmus backfill``: its arguments."""

from __future__ import annotations

import argparse
from typing import final

from isthmus.abc import Command

__all__ = ["Backfill"]


@final
class Backfill(Command):
    """The command; what it does is in :mod:`._run`."""

    name = "backfill"
    summary = "carry archives to one destination, in parts, so that a second run does what is missing"

    def parser(self) -> argparse.ArgumentParser:
        """See :class:`isthmus.abc.Command`."""
        from isthmus.commands import Parser, add_limits, count, seconds, size

        parser = Parser(
            prog="isthmus backfill",
            usage="isthmus backfill EVENTS... --to INSTANCE [options]",
            description="""
                Carries the events of files to one destination: through its inserts, to its function or endpoint, within
                its rate, which all processes share. Files are cut into parts; what is done is in a ledger, a result
                for each part, written when all its events have arrived or failed for good. Killed at any moment,
                the same command does the parts that are missing, and their events have the ids they had before.

                EVENTS are files, directories (*.ndjson, *.jsonl, *.json, *.gz, *.parquet, *.pq at any depth) and patterns.
            """,
            epilog="""
                examples:
                  isthmus backfill archive/ --to crm --pipeline pipeline.toml
                  isthmus backfill 'events/2026-*.parquet' --to my-orders --settings live.toml --processes 4
                  isthmus backfill archive/ --to crm --pipeline pipeline.toml --dry-run --json
                  isthmus backfill /shared/archive --to crm --pipeline /shared/pipeline.toml --on dask --cluster tcp://head:8786

                exit status:
                  0  every part is done, and every event arrived or was left out on purpose
                  1  events failed, or parts are not done
                  2  a wrong call, a ledger of something else         3  a function does not load
                  130  interrupted: what was under way was finished, and the rest waits for the next run
            """,
        )
        parser.add_argument("events", metavar="EVENTS", nargs="+", help="files, directories or patterns")
        group = parser.add_argument_group("where to")
        group.add_argument(
            "--to",
            metavar="INSTANCE",
            required=True,
            help="a destination of the pipeline.toml; without one, a function's directory or file",
        )
        group.add_argument("--pipeline", metavar="FILE", help="the pipeline.toml that defines it")
        group.add_argument("--settings", metavar="FILE", help="values for a function alone, JSON or TOML")
        group.add_argument(
            "--allow-private",
            action="store_true",
            help="let a function alone reach private and loopback addresses",
        )
        group.add_argument(
            "--retry-for",
            metavar="TIME",
            type=seconds,
            default=600.0,
            help="how long after its first attempt an event is tried again (default: 10min)",
        )
        group = parser.add_argument_group("parts")
        group.add_argument(
            "--ledger", metavar="DIR", help="where results are kept (default: INSTANCE.backfill, here)"
        )
        group.add_argument(
            "--part-size",
            metavar="SIZE",
            type=size,
            default=16 * 1024 * 1024,
            help="bytes of one part; of Parquet at least a row group, of gzip the whole file (default: 16M)",
        )
        group.add_argument("--dry-run", action="store_true", help="make the plan, say what is in it, and end")
        group = parser.add_argument_group("who carries them")
        group.add_argument(
            "--on",
            choices=("local", "ray", "dask"),
            default="local",
            help="processes of this machine, or a cluster that sees the same paths (default: local)",
        )
        group.add_argument(
            "--cluster", metavar="ADDRESS", help="of Ray or Dask (default: one on this machine)"
        )
        group.add_argument(
            "--processes",
            metavar="N",
            type=count,
            help="that carry parts at one time (default: one a processor)",
        )
        group.add_argument(
            "--grace",
            metavar="TIME",
            type=seconds,
            default=60.0,
            help="how long parts under way may go on after Ctrl-C or SIGTERM (default: 60s)",
        )
        group = parser.add_argument_group("output")
        group.add_argument("--json", action="store_true", help="write a report to standard output, as JSON")
        group.add_argument(
            "--quiet", "-q", action="store_true", help="no progress and no summary: only what went wrong"
        )
        add_limits(parser)
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """See :class:`isthmus.abc.Command`."""
        from ._run import execute

        return execute(arguments)
