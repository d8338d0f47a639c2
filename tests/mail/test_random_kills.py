"""Workers that are killed at random instants: bin/bench --mail-kills with fewer emails."""

import pytest
from django.utils import timezone

from benchmarks.mail_kills import kill_workers
from tests.builders import make_user

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


@pytest.mark.django_db(transaction=True)
def test_killed_workers_lose_no_reset_and_send_no_letter_twice(smtp):
    accounts = [make_user(email_verified_at=timezone.now()) for _ in range(60)]
    result = kill_workers(accounts, kills=6, pause=0.25)
    assert result.kills == 6
    assert sum(result.states.values()) == 120
    assert result.states[False, "sent"] == 60
    assert set(result.states) <= {(False, "sent"), (True, "sent"), (True, "unknown")}
    assert result.is_correct, result
