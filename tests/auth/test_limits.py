from __future__ import annotations

import pytest

from livethread.auth.limits import Bucket, Rate, RateLimiter, Tally, source_of
from livethread.protocol.errors import RateLimited


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def wait_ms(limiter: RateLimiter, key: str = "k") -> int:
    """0 if it was let through, else the wait."""
    try:
        limiter.take(key)
    except RateLimited as error:
        return error.retry_after_ms or -1
    return 0


def test_a_burst_at_once_then_at_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_s=2, burst=3), clock)
    assert [wait_ms(limiter) for _ in range(4)] == [0, 0, 0, 501]
    clock.now += 0.25
    assert wait_ms(limiter) == 251
    clock.now += 0.25
    assert [wait_ms(limiter), wait_ms(limiter)] == [0, 501]


def test_after_the_wait_that_was_told_it_works() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_s=0.3, burst=1), clock)
    for _ in range(50):
        assert wait_ms(limiter) == 0
        clock.now += wait_ms(limiter) / 1000


def test_being_refused_costs_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_s=1, burst=1), clock)
    wait_ms(limiter)
    for _ in range(10):
        clock.now += 0.09
        assert wait_ms(limiter) > 0
    clock.now += 0.11
    assert wait_ms(limiter) == 0


def test_no_more_than_the_burst_is_saved_up() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_s=5, burst=2), clock)
    wait_ms(limiter)
    clock.now += 1_000_000
    assert [wait_ms(limiter) > 0 for _ in range(3)] == [False, False, True]


def test_a_rate_of_zero_is_no_limit() -> None:
    bucket = Bucket(Rate(per_s=0, burst=1), 0.0)
    for _ in range(100):
        bucket.take(0.0)


def test_keys_have_buckets_of_their_own() -> None:
    limiter = RateLimiter(Rate(per_s=1, burst=1), Clock())
    assert [wait_ms(limiter, key) > 0 for key in "abab"] == [False, False, True, True]


def test_the_longest_unused_key_is_forgotten_first() -> None:
    limiter = RateLimiter(Rate(per_s=1, burst=1), Clock(), max_keys=2)
    for key in "ab":
        wait_ms(limiter, key)
    assert wait_ms(limiter, "a") > 0  # used just now, though refused
    assert wait_ms(limiter, "c") == 0
    assert len(limiter) == 2
    assert wait_ms(limiter, "a") > 0
    assert wait_ms(limiter, "b") == 0  # forgotten, so full again


def test_keys_never_outgrow_their_bound() -> None:
    limiter = RateLimiter(Rate(per_s=1, burst=1), Clock(), max_keys=10)
    for i in range(1000):
        wait_ms(limiter, str(i))
    assert len(limiter) == 10


def test_whoever_did_not_come_back_is_forgotten_once_the_bucket_would_be_full() -> None:
    clock = Clock()
    limiter = RateLimiter(Rate(per_s=2, burst=10), clock)
    for number in range(1_000):
        assert wait_ms(limiter, f"guest {number}") == 0
        assert wait_ms(limiter, "regular") == 0
        clock.now += 1
        assert len(limiter) <= 1 + 10 / 2 + 2
    clock.now += 1_000_000
    assert wait_ms(limiter, "somebody") == 0
    assert len(limiter) == 1


def test_being_forgotten_gives_nobody_more() -> None:
    clock = Clock()
    limiter, bucket = RateLimiter(Rate(1, 3), clock), Bucket(Rate(1, 3), clock.now)
    for number in range(500):
        clock.now += number % 7 * 0.31
        wait_ms(limiter, f"other {number}")
        expected = 0
        try:
            bucket.take(clock.now)
        except RateLimited as error:
            expected = error.retry_after_ms or -1
        assert wait_ms(limiter) == expected


def test_without_a_rate_nobody_is_remembered() -> None:
    limiter = RateLimiter(Rate(per_s=0, burst=1), Clock())
    assert [wait_ms(limiter, str(number)) for number in range(100)] == [0] * 100
    assert len(limiter) == 0


def test_a_tally_lets_in_up_to_its_bound_each() -> None:
    tally = Tally(2)
    assert [tally.enter(key) for key in "aaab"] == [True, True, False, True]
    tally.leave("a")
    assert [tally.enter("a"), tally.enter("a")] == [True, False]


def test_a_tally_keeps_nothing_of_whoever_left() -> None:
    tally = Tally(2)
    for _ in range(3):
        assert tally.enter("a")
        tally.leave("a")
    assert tally._counts == {}
    with pytest.raises(KeyError):
        tally.leave("a")


def test_a_bound_of_zero_is_none() -> None:
    tally = Tally(0)
    assert all(tally.enter("a") for _ in range(1000))


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_an_ipv6_address_is_counted_as_its_64(address: str, source: str) -> None:
    assert source_of(address) == source
