"""Cursors: a position in the order, and nothing else that somebody may send as one."""

import json
from base64 import urlsafe_b64encode
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import make_user
from tests.directory.query.test_keyset import each_sort, ids, in_order, key, make_accounts
from users.directory.query import BadCursor, account_cursor
from users.directory.query.cursors import check_cursors, parse_cursor
from users.directory.query.keyset import fetch_page
from users.directory.sorts import NEVER_SEEN, SORTS
from users.models import User

pytestmark = pytest.mark.django_db


def cursor_of(*data) -> str:
    return urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


@each_sort
def test_a_cursor_leads_back_to_the_key_and_the_id_of_its_account(sort):
    account = make_user(username="zoë-李", first_name="Zoë", last_seen_at=None)
    assert parse_cursor(sort, account_cursor(sort, account)) == (
        SORTS[sort].read_key(account),
        account.pk,
    )


def test_never_seen_is_a_time_before_all_others():
    account = make_user()
    assert parse_cursor("seen", account_cursor("seen", account)) == (NEVER_SEEN, account.pk)


BAD = {
    "empty list": cursor_of(),
    "too short": cursor_of("name", "x"),
    "too long": cursor_of("name", "x", 1, 1),
    "another sort": cursor_of("-name", "x", 1),
    "no sort": cursor_of(None, "x", 1),
    "list for a sort": cursor_of(["name"], "x", 1),
    "number for a name": cursor_of("name", 7, 1),
    "null for a name": cursor_of("name", None, 1),
    "list for a name": cursor_of("name", ["x"], 1),
    "NUL in a name": cursor_of("name", "a\x00b", 1),
    "lone surrogate in a name": cursor_of("name", "a\ud800b", 1),
    "negative id": cursor_of("name", "x", -1),
    "huge id": cursor_of("name", "x", 2**63),
    "text for an id": cursor_of("name", "x", "1"),
    "fraction for an id": cursor_of("name", "x", 1.0),
    "truth for an id": cursor_of("name", "x", True),
    "null for an id": cursor_of("name", "x", None),
    "object": urlsafe_b64encode(b'{"name": 1, "x": 2, "y": 3}').decode(),
    "number": urlsafe_b64encode(b"7").decode(),
    "not a number": urlsafe_b64encode(b'["name", NaN, 1]').decode(),
    "endless number": urlsafe_b64encode(b'["name", "x", ' + b"9" * 2000 + b"]").decode(),
    "deep": urlsafe_b64encode(b"[" * 2000).decode(),
    "huge": urlsafe_b64encode(json.dumps(["name", "x" * 10_000, 1]).encode()).decode(),
    "not JSON": urlsafe_b64encode(b"hello").decode(),
    "not UTF-8": urlsafe_b64encode(b'["name", "\xff", 1]').decode(),
    "not base64": "!!!!",
    "one letter": "a",
    "not ASCII": "é" * 8,
    "surrogate": "\ud800" * 8,
    "NUL": "\x00",
    "spaces": "    ",
    "SQL": "' OR 1=1 --",
}
BAD_TIMES = [
    "",
    "x",
    "yesterday",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-13-01T00:00:00+00:00",
    "0000-01-01T00:00:00+00:00",
    "10000-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00+99:00",
    "2026-01-01T00:00:00+00:00\x00",
    "infinity",
    "now",
    0,
    None,
    True,
    [],
]


@pytest.mark.parametrize("cursor", BAD.values(), ids=BAD)
@pytest.mark.parametrize("direction", ["after", "before"])
def test_a_cursor_that_was_not_made_here_is_a_bad_one(cursor, direction):
    with pytest.raises(BadCursor):
        fetch_page(User.objects.all(), "name", 50, **{direction: cursor})
    with pytest.raises(BadCursor):
        check_cursors("name", **{"after": "", "before": ""} | {direction: cursor})


@pytest.mark.parametrize("time", BAD_TIMES, ids=repr)
@pytest.mark.parametrize("sort", ["joined", "-seen"])
def test_a_cursor_with_a_time_that_is_none_is_a_bad_one(sort, time):
    with pytest.raises(BadCursor):
        fetch_page(User.objects.all(), sort, 50, after=cursor_of(sort, time, 1))


@pytest.mark.parametrize("made_for", SORTS)
def test_a_cursor_of_another_sort_or_direction_is_a_bad_one(made_for):
    cursor = account_cursor(made_for, make_user())
    for sort in SORTS:
        if sort != made_for:
            with pytest.raises(BadCursor):
                fetch_page(User.objects.all(), sort, 50, after=cursor)


@pytest.mark.parametrize("sort", ["joined", "-joined", "seen", "-seen"])
@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+00:00",
        "0999-12-31T00:00:00Z",
        "9999-12-31T23:59:59.999999+00:00",
        "2026-01-01T01:30:00.5+05:45",
    ],
)
def test_a_time_at_either_end_of_the_calendar_or_in_another_zone_is_a_place_in_the_order(
    sort, time
):
    make_accounts(5)
    at = datetime.fromisoformat(time)
    page = fetch_page(User.objects.all(), sort, 50, after=cursor_of(sort, time, 1))
    keys = {account.pk: key(sort, account) for account in User.objects.all()}
    beyond = [
        pk
        for pk in in_order(sort)
        if (keys[pk] < (at, 1) if sort[0] == "-" else keys[pk] > (at, 1))
    ]
    assert ids(page) == (beyond or in_order(sort))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    st.lists,
    max_leaves=4,
)
LIKELY = st.tuples(
    st.sampled_from(list(SORTS)),
    VALUES | st.datetimes().map(str) | st.datetimes(timezones=st.timezones()).map(str),
    VALUES,
)


@given(
    sort=st.sampled_from(list(SORTS)),
    cursor=st.text(st.characters(), min_size=1) | LIKELY.map(lambda data: cursor_of(*data)),
)
@settings(max_examples=200)
def test_a_cursor_is_a_place_in_the_order_or_a_bad_one_and_never_another_error(sort, cursor):
    try:
        page = fetch_page(User.objects.all(), sort, 50, after=cursor)
    except BadCursor:
        return
    assert page.accounts == []
