"""A day in a filter is one of the viewer's zone, and stays it for colleagues, jobs and workers."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.directory.listing import usernames
from users.bulk.selection_kind import filtered_accounts
from users.directory.days import STORED_WORDS_ZONE, relative_days, relative_days_end
from users.directory.filter import Filter
from users.directory.saved_searches import create_saved_search, saved_search_url
from users.models import User
from users.web.days import day_end, day_start, describe_since, parse_day


def test_a_day_begins_and_ends_in_its_zone():
    with timezone.override("Europe/Berlin"):
        day = parse_day("2026-03-29")  # 23 hours long
    assert day == "2026-03-29 Europe/Berlin"
    assert day_start(day) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert day_end(day) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert parse_day("2026-03-29") == "2026-03-29"
    assert day_start("2026-03-29") == datetime(2026, 3, 29, tzinfo=UTC)
    # The clocks of Cairo go forward at midnight.
    assert day_start("2026-04-24 Africa/Cairo") == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_words_name_a_zone_that_is_not_the_viewers():
    with timezone.override("America/New_York"):
        assert describe_since("2026-03-29 America/New_York") == "since 2026-03-29"
        assert describe_since("2026-03-29 UTC") == "since 2026-03-29 (UTC)"
    assert describe_since("-7d America/New_York") == "in the last 7 days (America/New York)"


def test_stored_words_name_every_zone():
    """Whoever reads them may be in any zone."""
    with timezone.override(STORED_WORDS_ZONE):
        assert describe_since("-30d") == "in the last 30 days (UTC)"
        assert describe_since("2026-03-29 Asia/Tokyo") == "since 2026-03-29 (Asia/Tokyo)"


def test_a_relative_day_changes_at_midnight_of_its_zone(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 3, 1, 15, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("users.web.days.datetime", Clock)
    assert day_start("-1d Asia/Tokyo") == datetime(2026, 2, 28, 15, tzinfo=UTC)
    assert day_start("-1d") == datetime(2026, 2, 28, tzinfo=UTC)
    days = relative_days({"joined_from": "-1d Asia/Tokyo", "seen_to": "-1d", "domain": "-1d"})
    assert [day.day for day in days] == [1, 28]
    end = relative_days_end({"joined_from": "-1d Asia/Tokyo", "seen_to": "2026-03-01"})
    assert end == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert relative_days_end({"joined_from": "-1d Asia/Tokyo", "seen_to": "-1d"}).hour == 0
    assert relative_days_end({"domain": "-1d"}) is None


@pytest.mark.parametrize(
    "value",
    ["0001-01-01 Asia/Tokyo", "-9999y", "2026-03-29 Mars/Olympus", "2026-03-29 ../UTC", "-1x"],
)
def test_what_is_no_day_is_refused(value):
    with pytest.raises(ValueError, match="Enter a date such as"):
        parse_day(value)


@pytest.fixture
def late() -> User:
    """Joined on 1 March in Tokyo, and on 28 February in UTC."""
    return make_user(username="late", date_joined=datetime(2026, 2, 28, 20, tzinfo=UTC))


@pytest.mark.django_db
def test_a_viewer_types_days_of_their_own(late, client_factory):
    for zone, names in (("", []), ("Asia/Tokyo", ["late"])):
        browser: Client = client_factory(make_user("Viewer", time_zone=zone))
        response = browser.get("/users/?joined_from=2026-03-01&joined_to=2026-03-01")
        assert usernames(response) == names
        page = browser.get("/users/filters/?joined_from=2026-03-01").content.decode()
        assert 'value="2026-03-01"' in page
        assert f'<span class="optional">{zone or "UTC"}</span>' in page


@pytest.mark.django_db
def test_a_stored_filter_means_the_days_of_who_stored_it(late):
    owner = make_superuser()
    view = create_saved_search(
        Filter.parse(QueryDict("joined_from=2026-03-01")), by=owner, name="March", shared=True
    )
    with timezone.override("Asia/Tokyo"):
        assert "2026-03-01+UTC" in saved_search_url(owner, QueryDict(f"view={view.pk}"))
        assert not filtered_accounts(QueryDict(view.query), owner).filter(pk=late.pk).exists()
        own = Filter.parse(QueryDict("joined_from=2026-03-01")).query
    assert filtered_accounts(QueryDict(own), owner).filter(pk=late.pk).exists()
