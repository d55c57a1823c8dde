"""Full jitter, bounded, started anew by health."""

from __future__ import annotations

from livethread_client.backoff import Backoff


def most(low: float, high: float) -> float:
    assert 0 <= low <= high
    return high


def test_the_bound_doubles_up_to_thirty_seconds() -> None:
    backoff = Backoff(most)
    delays = [backoff.delay_s(0) for _ in range(10)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_the_jitter_is_full() -> None:
    backoff = Backoff(lambda low, high: low)
    assert [backoff.delay_s(0) for _ in range(5)] == [0] * 5


def test_thirty_seconds_of_health_start_it_anew() -> None:
    backoff = Backoff(most)
    for _ in range(5):
        backoff.delay_s(29.9)
    assert backoff.delay_s(30) == 0.5


def test_the_server_s_window_is_respected() -> None:
    assert Backoff(most).delay_s(3, (500, 5000)) == 5
    assert Backoff(lambda low, high: low).delay_s(3, (500, 5000)) == 0.5


def test_years_of_failure_do_not_overflow() -> None:
    backoff = Backoff(most)
    assert [backoff.delay_s(0) for _ in range(5000)][-1] == 30
