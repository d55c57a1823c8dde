from __future__ import annotations

from structlog.testing import capture_logs

from livethread.store.trouble import REPEAT_S, Trouble


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_trouble_is_told_when_it_begins_when_it_changes_and_when_it_is_over() -> None:
    trouble = Trouble("commits", Clock())
    with capture_logs() as lines:
        trouble.worked()
        for reason in ["SQLITE_FULL"] * 1000 + ["SQLITE_BUSY"] * 1000:
            trouble.failed(reason)
        for _ in range(1000):
            trouble.worked()
    assert lines == [
        {"event": "commits_fail", "log_level": "warning", "reason": "SQLITE_FULL"},
        {"event": "commits_fail", "log_level": "warning", "reason": "SQLITE_BUSY"},
        {"event": "commits_work_again", "log_level": "info"},
    ]


def test_trouble_that_comes_and_goes_is_told_now_and_then() -> None:
    clock = Clock()
    trouble = Trouble("commits", clock)
    with capture_logs() as lines:
        for _ in range(1000):
            trouble.failed("SQLITE_BUSY")
            trouble.worked()
            clock.now += REPEAT_S / 100
    told = [line["event"] for line in lines]
    assert told == ["commits_fail", "commits_work_again"] * 10
