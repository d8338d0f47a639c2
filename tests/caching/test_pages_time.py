"""What changes by itself: the end of a suspension or a validity is true at that moment; soft
columns are a minute late.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import caches
from django.core.cache.backends import base, locmem
from django.utils import timezone

from tests.builders import make_user
from tests.caching.looking import ask, headline, listed, on_redis, plain, process, server
from users.caching import backend, pages
from users.directory import status_expiry
from users.models import State, User

pytestmark = pytest.mark.django_db

INSTANT = timedelta(microseconds=1)
PART = {"HX-Request": "true"}
ENDS = {
    "suspension": ("suspended_until", {"status": "suspended"}, "Suspended", "Active"),
    "validity": ("valid_until", {}, "Active", "Expired"),
}
VALUES = {state.label: state.value for state in State}
every_end = pytest.mark.parametrize(
    ("column", "fields", "before", "after"), ENDS.values(), ids=ENDS
)


@pytest.fixture
def clock() -> Iterator[SimpleNamespace]:
    """Stands at noon until it is set. For what a process remembers no time passes, however slow the
    machine is.
    """
    clock = SimpleNamespace(
        now=datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    )
    still = SimpleNamespace(monotonic=lambda: 1000.0, time=lambda: 1000.0)
    with (
        patch("django.utils.timezone.now", lambda: clock.now),
        patch.object(backend, "time", still),
        patch.object(base, "time", still),
        patch.object(locmem, "time", still),
    ):
        yield clock


@pytest.fixture
def client(client, settings):
    # Noon may be half a day from now.
    settings.SESSION_IDLE_MINUTES = 48 * 60
    settings.SESSION_MAX_HOURS = 48
    client.force_login(make_user("Viewer", username="viewer", first_name="Vera"))
    client.get("/me/")
    return client


@every_end
@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_the_list_shows_the_end_at_that_very_moment(
    client, clock, column, fields, before, after, headers
):
    end = clock.now + timedelta(seconds=30)
    ada = make_user(**fields, **{column: end})

    def states() -> dict[str, bool]:
        """Under which filters she is found, with what is said of her."""
        queries = ["", f"?status={VALUES[before]}", f"?status={VALUES[after]}"]
        answers = [
            listed(ask(client, f"/users/{query}", **headers)).get(ada.pk, ("", ""))[1]
            for query in queries
        ]
        return dict(zip(["all", "before", "after"], answers, strict=True))

    first = {"all": before, "before": before, "after": ""}
    then = {"all": after, "before": "", "after": after}
    assert states() == first
    clock.now = end - INSTANT
    assert states() == first
    assert ask(client, "/users/", **headers).outcome == "hit"
    clock.now = end
    assert states() == then
    assert (
        ask(client, "/users/", **headers).outcome == "hit"
    )  # also what holds from then on is kept
    clock.now = end + timedelta(seconds=20)
    assert states() == then


@every_end
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
def test_the_page_of_the_account_shows_the_end_at_that_very_moment(
    client, clock, column, fields, before, after, elsewhere
):
    end = clock.now + timedelta(seconds=4)
    other = {}
    ada = make_user(first_name="Ada", **fields, **{column: end})

    def state() -> tuple[str, str]:
        found = set()
        for _ in range(2):
            with process(other) if elsewhere else nullcontext():
                found.add(headline(ask(client, f"/users/{ada.pk}/")))
        found.add(headline(ask(client, f"/users/{ada.pk}/")))
        [one] = found
        return one

    assert state() == ("Ada", before)
    clock.now = end - INSTANT
    assert state() == (
        "Ada",
        before,
    )  # read from Redis just before, and remembered by each process for some seconds
    clock.now = end
    assert state() == ("Ada", after)
    assert ask(client, f"/users/{ada.pk}/").outcome == "hit"


def test_one_end_after_another_is_shown_at_its_moment(client, clock):
    people = [
        make_user(valid_until=clock.now + timedelta(seconds=seconds)) for seconds in (3, 5, 8)
    ]
    for second in range(10):
        expected = ["Expired" if second >= end else "Active" for end in (3, 5, 8)]
        for _ in range(2):
            rows = listed(ask(client, "/users/"))
            assert [rows[account.pk][1] for account in people] == expected, second
        clock.now += timedelta(seconds=1)


def test_a_page_that_is_stored_after_its_moment_is_not_shown(client, clock):
    ada = make_user(status="suspended", suspended_until=clock.now + timedelta(seconds=5))
    end = timedelta(seconds=5)
    compress = pages.compress_response

    def slowly(*given):
        clock.now += end
        compress(*given)

    with patch.object(pages, "compress_response", slowly):
        assert (
            listed(ask(client, "/users/"))[ada.pk][1] == "Suspended"
        )  # as it was when the request began
    assert listed(ask(client, "/users/"))[ada.pk][1] == "Active"


@pytest.mark.parametrize(
    ("seconds", "second"), [(0.4, "miss"), (0.999, "miss"), (1.5, "hit"), (3600, "hit")]
)
@pytest.mark.parametrize("place", ["/users/", "/users/{}/"])
def test_a_page_that_changes_within_a_second_is_not_kept(client, clock, place, seconds, second):
    ada = make_user(status="suspended", suspended_until=clock.now + timedelta(seconds=seconds))
    path = place.format(ada.pk)
    assert [ask(client, path).outcome, ask(client, path).outcome] == ["miss", second]


def test_the_moment_is_for_the_cache_and_not_for_the_browser(client, clock):
    ada = make_user(status="suspended", suspended_until=clock.now + timedelta(seconds=9))
    for path in ("/users/", f"/users/{ada.pk}/"):
        for outcome in ("miss", "hit"):
            response = ask(client, path)
            assert response.outcome == outcome
            assert not {"Turn", "Expires", "Age"} & set(response.headers)
            assert clock.now.strftime("%Y-%m-%dT%H") not in str(response.headers)
            assert response["Cache-Control"] == "no-store"


def test_tomorrow_is_another_page(client, clock):
    clock.now = clock.now.replace(hour=23, minute=59, second=59)
    make_user(username="ada", date_joined=clock.now)
    assert "23:59" in plain(ask(client, "/users/")).decode()
    clock.now += timedelta(seconds=1)
    response = ask(client, "/users/")
    assert response.outcome == "miss"
    assert ">23:59<" not in plain(response).decode()


def test_a_relative_day_of_another_zone_ends_the_page_at_its_midnight(client):
    for query, zone in (("-1d+UTC", "UTC"), ("-2w+Asia/Tokyo", "Asia/Tokyo")):
        for sort in ("joined", "seen"):
            page = client.get(f"/users/?joined_from={query}&sort={sort}")
            tomorrow = datetime.now(ZoneInfo(zone)).date() + timedelta(days=1)
            midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(zone))
            assert page.expiry == midnight
    assert client.get("/users/?joined_from=2026-03-01").expiry is None
    suspended = make_user(status="suspended", suspended_until=timezone.now() + timedelta(seconds=9))
    earlier = client.get("/users/?joined_from=-1d+UTC")
    assert earlier.expiry == suspended.suspended_until


def test_the_next_end_is_looked_up_once_for_each_generation(client, clock):
    make_user(status="suspended", suspended_until=clock.now + timedelta(seconds=9))
    with patch.object(
        status_expiry, "query_status_change", wraps=status_expiry.query_status_change
    ) as found:
        for query in ("", "?q=a", "?q=a&sort=username"):
            ask(client, f"/users/{query}")
        assert found.call_count == 1
        earlier = make_user(username="abe", valid_until=clock.now + timedelta(seconds=5))
        ask(client, "/users/?q=a")
        assert found.call_count == 2
        clock.now = earlier.valid_until
        assert listed(ask(client, "/users/?q=a"))[earlier.pk][1] == "Expired"
        assert found.call_count == 3


def test_a_list_in_order_brings_the_next_end_along(client, clock):
    earlier = make_user(valid_until=clock.now + timedelta(seconds=5))
    with patch.object(
        status_expiry, "query_status_change", wraps=status_expiry.query_status_change
    ) as found:
        assert listed(ask(client, "/users/"))[earlier.pk][1] == "Active"
        clock.now = earlier.valid_until
        assert listed(ask(client, "/users/"))[earlier.pk][1] == "Expired"
        assert not found.called


def test_an_empty_list_is_not_kept(client, clock):
    assert [ask(client, "/users/?status=erased").outcome for _ in range(2)] == ["miss", "miss"]


# --- soft columns ---------------------------------------------------------------------------------


def lifetimes() -> list[float]:
    """Seconds that each whole page in the cache has still to live."""
    if not on_redis():
        ends = {
            key: end for key, end in caches["pages"]._expire_info.items() if "cache_page" in key
        }
        return [end - time.time() for end in ends.values()]
    with server() as there:
        return [there.pttl(key) / 1000 for key in there.scan_iter("*cache_page*")]


def test_soft_columns_are_less_than_a_minute_late(client):
    ada = make_user(username="ada")
    for path in ("/users/", f"/users/{ada.pk}/"):
        assert ask(client, path).outcome == "miss"
    assert len(lifetimes()) >= 2
    assert all(0 < seconds <= pages.PAGE_SECONDS for seconds in lifetimes())
    assert (
        pages.PAGE_SECONDS + backend.MEMORY_SECONDS < 60
    )  # a process may have read it at its last moment
    User.objects.filter(pk=ada.pk).update(last_seen_at=timezone.now())
    for path in ("/users/", f"/users/{ada.pk}/"):
        assert ask(client, path).outcome == "hit"  # raises nothing
    forget_pages()
    for path in ("/users/", f"/users/{ada.pk}/"):
        response = ask(client, path)
        assert response.outcome == "miss"
        shown = plain(response).decode()
        assert (
            f'datetime="{User.objects.get(pk=ada.pk).last_seen_at.isoformat(timespec="seconds")}"'
            in shown
        )  # also in pieces that were kept


def forget_pages() -> None:
    """As when their time is over: the pieces live on."""
    if not on_redis():
        for key in [key for key in caches["pages"]._cache if "cache_page" in key]:
            del caches["pages"]._cache[key], caches["pages"]._expire_info[key]
        return
    with server() as there:
        there.delete(*there.scan_iter("*cache_page*"))
    caches["pages"].memory.clear()
