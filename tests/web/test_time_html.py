"""Times on a page are in the viewer's zone, with UTC beside; one that occurs twice says which."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from users.web.time_html import full_time_html, minute_time_html, second_time_html, short_time_html
from users.web.time_zone import iso_offset_label, offset_text, zone_named

# 02:30 in Berlin, before and after the clocks go back.
FIRST, SECOND = [datetime(2026, 10, 25, hour, 30, 7, tzinfo=UTC) for hour in (0, 1)]


@pytest.fixture(autouse=True)
def berlin():
    with timezone.override("Europe/Berlin"):
        yield


def test_the_zone_is_the_current_one_and_the_tooltip_has_utc():
    html = full_time_html(datetime(2026, 2, 28, 23, 30, 7, tzinfo=UTC))
    assert html == (
        '<time datetime="2026-03-01T00:30:07+01:00"'
        ' title="2026-03-01 00:30:07 UTC+1, 2026-02-28 23:30:07 UTC">1 Mar 2026, 00:30 UTC+1</time>'
    )


def test_utc_is_said_once():
    with timezone.override("UTC"):
        html = full_time_html(FIRST)
    assert 'title="2026-10-25 00:30:07 UTC">25 Oct 2026, 00:30 UTC<' in html


def test_a_time_that_occurs_twice_says_which():
    assert "02:30 UTC+2<" in minute_time_html(FIRST)
    assert "02:30 UTC+1<" in minute_time_html(SECOND)
    assert "02:30:07 UTC+1<" in second_time_html(SECOND)
    now = timezone.localtime(SECOND)
    assert ">02:30 UTC+2<" in short_time_html(FIRST, now)
    assert ">04:30<" in short_time_html(datetime(2026, 10, 25, 3, 30, tzinfo=UTC), now)


def test_a_time_out_of_range_in_the_zone_is_shown_in_utc():
    assert "31 Dec 9999, 23:30 UTC<" in full_time_html(datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
    with timezone.override("America/New_York"):
        assert "1 Jan 1, 00:30 UTC<" in full_time_html(datetime(1, 1, 1, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "UTC"),
        ("Asia/Kolkata", "UTC+5:30"),
        ("America/St_Johns", "UTC-3:30"),
        ("Mars/Olympus", "UTC"),
        ("../etc/passwd", "UTC"),
    ],
)
def test_the_difference_from_utc_is_short(zone, shown):
    local = datetime(2026, 1, 1, tzinfo=zone_named(zone))
    assert offset_text(local) == shown
    assert iso_offset_label(local.isoformat()[19:]) == shown


def test_a_difference_with_seconds_is_rounded_to_minutes():
    local = datetime(1800, 1, 1, tzinfo=zone_named("Europe/Berlin"))
    assert local.isoformat()[19:] == "+00:53:28"
    assert iso_offset_label("+00:53:28") == offset_text(local) == "UTC+0:53"
