"""Which accounts a job is about, window by window."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from tests.jobs.kinds import Stamp
from users.bulk import selection_kind
from users.jobs.kinds import IdWindow
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids() -> list[int]:
    User.objects.bulk_create(
        User(
            username=f"u{n}",
            email=f"u{n}@{'rare' if n % 50 == 49 else 'example'}.com",
            email_domain="x",
        )
        for n in range(400)
    )
    User.objects.filter(email__endswith="@rare.com").update(email_domain="rare.com")
    return list(User.objects.order_by("pk").values_list("pk", flat=True))


def windows(selection: str, size: int, up_to: int, cursor: int = 0) -> list[IdWindow]:
    """All of them, until the last, as the engine walks them."""
    job = Job(selection=selection, up_to=up_to, cursor=cursor)
    found = []
    while job.cursor < up_to:
        found.append(Stamp().window(job, size))
        assert found[-1].until > job.cursor
        job.cursor = found[-1].until
    return found


def together(found: list[IdWindow]) -> list[int]:
    return [pk for window in found for pk in window.ids]


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_everybody_comes_once_in_the_order_of_ids(ids, size):
    found = windows("all=1", size, ids[-1])
    assert together(found) == ids
    assert max(len(window.ids) for window in found) <= size


@pytest.mark.parametrize("size", [1, 3, 100])
def test_few_among_many_are_found_in_a_few_wide_steps(ids, size):
    with CaptureQueriesContext(connection) as queries:
        found = windows("domain=rare.com&all=1", size, ids[-1])
    assert together(found) == list(
        User.objects.filter(email_domain="rare.com").order_by("pk").values_list("pk", flat=True)
    )
    assert len(queries) <= 8 * 6  # one for each doubling of the width, and not one for each width


def test_who_came_later_or_matches_no_longer_is_left_out(ids):
    assert together(windows("all=1", 100, ids[9])) == ids[:10]
    User.objects.filter(pk=ids[3]).update(status="suspended", status_reason="x")
    assert together(windows("status=active&all=1", 100, ids[9])) == ids[:3] + ids[4:10]


def test_looking_for_long_gives_what_there_is_and_goes_on_later(ids, monkeypatch):
    monkeypatch.setattr(selection_kind, "WINDOW_SECONDS", 0)
    found = windows("domain=rare.com&all=1", 3, ids[-1], cursor=ids[0] - 1)
    assert len(found) > 10
    assert len(together(found)) == 8


def test_ticked_accounts_come_once_and_those_that_are_gone_do_not(ids):
    ticked = [ids[1], ids[5], ids[7], ids[-1] + 9]
    query = "&".join(f"ids={pk}" for pk in ticked)
    assert together(windows(query, 2, ticked[-1])) == ticked[:3]


def test_those_with_an_outcome_in_another_job(ids):
    other = Job.objects.create(kind="stamp", by_text="x")
    JobItem.objects.bulk_create(
        JobItem(job=other, account_id=pk, outcome="failed" if number % 3 else "changed")
        for number, pk in enumerate(ids[:30])
    )
    expected = [pk for number, pk in enumerate(ids[:30]) if number % 3]
    assert together(windows(f"job={other.pk}&outcome=failed", 7, ids[-1])) == expected


def test_a_relative_clock_says_nothing_about_a_frozen_moment(ids):
    """The host that asked was two hours ahead."""
    assert together(windows(f"all=1&up_to={ids[-1]}&at=2999-01-01T00:00:00Z", 500, ids[-1])) == ids
    assert make_user().pk > ids[-1]
