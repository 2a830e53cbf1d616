"""How often a key may ask, and how many wrong ones an address may show."""

from datetime import timedelta

import pytest

from elephantasm_mcp.http.limits import Buckets, Failures
from elephantasm_mcp.memory.fakes import FakeClock

SECOND = timedelta(seconds=1)


def test_a_minutes_requests_may_come_at_once_and_then_one_by_one(clock: FakeClock) -> None:
    buckets = Buckets(per_min=6)
    assert [buckets.take("ann", now=clock.now()) for _ in range(6)] == [0.0] * 6
    assert buckets.take("ann", now=clock.now()) == pytest.approx(10)
    clock.move(4 * SECOND)
    assert buckets.take("ann", now=clock.now()) == pytest.approx(6)
    clock.move(6 * SECOND)
    assert buckets.take("ann", now=clock.now()) == 0.0
    assert buckets.take("ann", now=clock.now()) == pytest.approx(10)
    clock.move(timedelta(hours=1))
    assert [buckets.take("ann", now=clock.now()) == 0.0 for _ in range(7)] == [True] * 6 + [False]


def test_one_caller_does_not_use_up_what_another_has(clock: FakeClock) -> None:
    buckets = Buckets(per_min=1)
    assert buckets.take("ann", now=clock.now()) == 0.0
    assert buckets.take("ann", now=clock.now()) > 0
    assert buckets.take("bob", now=clock.now()) == 0.0


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing(clock: FakeClock) -> None:
    buckets = Buckets(per_min=2)
    buckets.take("ann", now=clock.now())
    clock.move(-timedelta(hours=1))
    assert buckets.take("ann", now=clock.now()) == 0.0
    assert buckets.take("ann", now=clock.now()) == pytest.approx(30)


def test_zero_is_no_limit(clock: FakeClock) -> None:
    buckets = Buckets(per_min=0)
    assert {buckets.take("ann", now=clock.now()) for _ in range(1000)} == {0.0}


def test_what_is_remembered_of_callers_and_addresses_is_bounded(clock: FakeClock) -> None:
    buckets, failures = Buckets(per_min=5, most=3), Failures(most=3)
    for number in range(10):
        buckets.take(number, now=clock.now())
        failures.note(f"10.0.0.{number}", now=clock.now())
    assert (len(buckets), len(failures)) == (3, 3)


def test_after_ten_wrong_keys_an_address_waits_until_the_first_is_a_minute_old(
    clock: FakeClock,
) -> None:
    failures = Failures()
    for _ in range(10):
        assert failures.wait_s("10.0.0.1", now=clock.now()) == 0.0
        failures.note("10.0.0.1", now=clock.now())
        clock.move(SECOND)
    assert failures.wait_s("10.0.0.1", now=clock.now()) == 50
    assert failures.wait_s("10.0.0.2", now=clock.now()) == 0.0
    clock.move(50 * SECOND)
    assert failures.wait_s("10.0.0.1", now=clock.now()) == 0.0
    failures.note("10.0.0.1", now=clock.now())
    assert failures.wait_s("10.0.0.1", now=clock.now()) == 1
    clock.move(timedelta(minutes=1))
    assert failures.wait_s("10.0.0.1", now=clock.now()) == 0.0
    assert len(failures) == 0


@pytest.mark.parametrize(
    ("shown", "asked", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
    ],
)
def test_a_network_of_one_machine_is_one_address(
    clock: FakeClock, shown: str, asked: str, same: bool
) -> None:
    failures = Failures()
    for _ in range(10):
        failures.note(shown, now=clock.now())
    assert (failures.wait_s(asked, now=clock.now()) > 0) is same
