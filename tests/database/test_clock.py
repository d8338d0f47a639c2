"""The database's clock, as a process knows it between two comparisons."""

import time
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from users.database import clock
from users.database.clock import DATABASE_CLOCK, DatabaseClock, current_seconds, current_time
from users.health.checks import check_clock
from users.mail.verification_tokens import reset_tokens
from users.sessions.store import SessionStore

HOURS = 2 * 3600


@pytest.fixture(params=[HOURS, -HOURS], ids=["ahead", "behind"])
def wrong_by(request, monkeypatch) -> int:
    """Returns the seconds by which the clock of this host is wrong, after the comparison."""
    monkeypatch.setattr(DATABASE_CLOCK, "offset", None)
    DATABASE_CLOCK.compare(timezone.now() - timedelta(seconds=request.param))
    return request.param


def test_a_host_with_a_wrong_clock_goes_by_the_database(wrong_by):
    def error(at: datetime) -> float:
        return at.timestamp() - time.time() + wrong_by

    assert error(current_time()) == pytest.approx(0, abs=0.5)
    assert current_seconds() - time.time() == pytest.approx(-wrong_by, abs=0.5)
    assert error(reset_tokens._now()) == pytest.approx(0, abs=0.5)
    assert error(SessionStore().get_expiry_date(expiry=60)) == pytest.approx(60, abs=0.5)
    direction = "ahead of" if wrong_by > 0 else "behind"
    assert check_clock() == f"this host is {HOURS} seconds {direction} the database"


def test_a_small_difference_is_not_corrected(monkeypatch):
    monkeypatch.setattr(DATABASE_CLOCK, "offset", None)
    DATABASE_CLOCK.compare(timezone.now() + timedelta(seconds=0.5))
    assert DATABASE_CLOCK.seconds_ahead() == 0
    assert check_clock() == ""


def test_setting_the_clock_of_the_host_changes_nothing():
    compared = DatabaseClock()
    compared.compare(timezone.now())
    was_set = time.time() + HOURS
    with patch.object(clock.time, "time", lambda: was_set):
        assert compared.seconds_ahead() == pytest.approx(-HOURS, abs=0.5)
