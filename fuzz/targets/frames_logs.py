"""Whatever bytes a guest hands over as frame, log, report or thrown value, they are a value or a RuntimeFault."""

from __future__ import annotations

from isthmus.errors import RuntimeFault
from isthmus_quickjs._frames import STALLED, parse_frame, parse_logs, parse_report, parse_thrown

START_US = 1_700_000_000_000_000


def check(data: bytes) -> None:
    try:
        frame = parse_frame(data)
    except RuntimeFault:
        pass
    else:
        assert frame.value + frame.note + frame.report == data[32:]
        assert 0 <= frame.status <= STALLED

    try:
        lines = parse_logs(data, START_US)
    except RuntimeFault:
        pass
    else:
        assert len(lines) * 16 <= len(data)
        for level, line, at in lines:
            assert level.isalpha()
            line.encode()
            assert 0 <= at < 1e14

    try:
        report = parse_report(data)
    except RuntimeFault:
        pass
    else:
        for operation in report.ops:
            (operation.op + operation.url + operation.key + operation.value).encode()

    thrown = parse_thrown(data)
    (thrown.name + thrown.message + thrown.stack).encode()
