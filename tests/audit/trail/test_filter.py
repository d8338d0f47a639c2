"""The filter of the trail as a query string: read, normalised, written again; and its mistakes."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import make_user
from users.audit.trail.filter import Position, TrailFilter, read_position
from users.audit.trail.specs import TRAIL_FILTERS
from users.exceptions import BadParameter

pytestmark = pytest.mark.sqlite  # of query strings, and not of the database

EXAMPLES = {
    "text": "lost phone",
    "actor": "7",
    "target": "8",
    "kind": "account",
    "action": "account.edited",
    "outcome": "refused",
    "field": "email",
    "value": "kim@old.example",
    "ip": "203.0.113.0/24",
    "browser": "firefox",
    "session": "3f0d2c1e-8a47-4b6e-9d15-7c20be94a6f8",
    "job": "9",
    "from": "2026-03-01",
    "to": "-1d",
}
MISTAKES = {
    "kind": ["x"],
    "action": ["x", "Denied", "' OR 1=1 --"],
    "outcome": ["failed"],
    "field": ["password"],
    "ip": ["x", "203.0.113.300", "203.0.113.0/33"],
    "job": ["0", "-1", "1.5", "x", "١", str(2**63), "1e3", "+1"],
    "session": ["x", "3f0d2c1e", "3f0d2c1e-8a47-4b6e-9d15-7c20be94a6fg", "' OR 1=1 --"],
    "from": ["yesterday", "2026-02-30"],
    "to": ["2026-13-01"],
    "text": ["x" * 256],
}


def read_filter(query: str, **options) -> tuple[TrailFilter, dict]:
    return TrailFilter.read(QueryDict(query), **options)


@given(st.sets(st.sampled_from(sorted(EXAMPLES))))
def test_an_address_leads_back_to_the_same_filter(names):
    values = {name: EXAMPLES[name] for name in TRAIL_FILTERS if name in names}
    path, _, query = TrailFilter(values).url().partition("?")
    assert path == "/audit/"
    assert read_filter(query) == (TrailFilter(values), {})
    for name in names:
        left = {other: value for other, value in values.items() if other != name}
        assert TrailFilter(values).without(name) == TrailFilter(left)


def test_every_filter_has_an_example():
    assert EXAMPLES.keys() == TRAIL_FILTERS.keys()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_marked_and_the_other_filters_are_kept(name):
    other = "browser=firefox"
    for value in [*MISTAKES[name], "a\x00b"]:
        query = QueryDict(other, mutable=True)
        query[name] = value
        found, errors = TrailFilter.read(query)
        assert (found.values, list(errors)) == ({"browser": "firefox"}, [name]), value
        assert errors[name].message


def test_a_period_that_ends_before_it_begins_is_marked():
    found, errors = read_filter("from=2026-03-02&to=2026-03-01")
    assert (found.values, list(errors)) == ({"from": "2026-03-02"}, ["to"])


def test_an_address_is_normalised():
    assert read_filter("ip=203.0.113.9/24")[0].values == {"ip": "203.0.113.0/24"}
    assert read_filter("ip=2001:DB8::1")[0].values == {"ip": "2001:db8::1"}
    session = "3f0d2c1e-8a47-4b6e-9d15-7c20be94a6f8"
    for typed in (session.upper(), session.replace("-", ""), f"+{session}+"):
        assert read_filter(f"session={typed}")[0].values == {"session": session}
    assert read_filter("text=+a++b+")[0].values == {"text": "a b"}


def test_an_unknown_and_a_repeated_parameter_are_named():
    for query, name in (("colour=red", "colour"), ("job=1&job=2", "job")):
        with pytest.raises(BadParameter) as caught:
            read_filter(query)
        assert caught.value.parameter == name


def test_a_position_is_an_id_or_the_last_page():
    assert read_position(QueryDict("after=7")) == Position(after=7)
    assert read_position(QueryDict("before=7")) == Position(before=7)
    assert read_position(QueryDict("before=last")) == Position(is_last=True)
    for query, name in (
        (f"after={2**63}", "after"),
        ("after=last", "after"),
        ("before=x", "before"),
        ("after=1&before=1", "before"),
    ):
        with pytest.raises(BadParameter) as caught:
            read_position(QueryDict(query))
        assert caught.value.parameter == name


@pytest.mark.sqlite  # of query strings, and not of the database
@pytest.mark.django_db
@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([*EXAMPLES, "after", "before", "x"]), st.text(max_size=20)))
def test_no_query_string_is_any_other_error(values):
    query = QueryDict(mutable=True)
    query.update(values)
    with suppress(BadParameter):
        TrailFilter.read(query)
        read_position(query)


# --- accounts -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_account_is_named_by_id_username_address_or_name():
    kim = make_user(username="kdoe", email="kim@example.org", first_name="Kim", last_name="Van Doe")
    make_user(username="kdoer", first_name="Lee", last_name="Park")
    for text in (f"{kim.pk}", "KDOE", "kim@example.org", "kim@ex", "Kim Van Doe", "van doe", "van"):
        found, errors = read_filter(urlencode({"actor": text}))
        assert (found.values, errors) == ({"actor": str(kim.pk)}, {}), text
    # The events of an account that is gone stay.
    assert read_filter("target=987654")[0].values == {"target": "987654"}


@pytest.mark.django_db
def test_several_accounts_are_offered_and_none_is_said():
    people = [make_user(username=f"jo{n}", first_name="Jo") for n in range(12)]
    _, errors = read_filter("actor=jo")
    assert errors["actor"].message.startswith("More than 8 accounts match “jo”.")
    assert errors["actor"].choices[0] == people[0]
    assert len(errors["actor"].choices) == 8
    _, errors = read_filter("target=jo1")  # one is called just that
    assert errors == {}
    _, errors = read_filter("target=nobody")
    assert errors["target"].message.startswith("No account matches “nobody”.")


@pytest.mark.django_db
def test_a_masked_viewer_learns_nothing_by_filtering():
    kim = make_user(username="kdoe", email="kim@example.org", last_name="Doe")
    make_user(username="lee@example.org", email="lee@example.org")
    for query in ("actor=kim@example.org", "actor=kim", "actor=lee@example.org", "actor=lee"):
        found, errors = read_filter(query, masked=True)
        assert (found.values, list(errors)) == ({}, ["actor"]), query
        assert not errors["actor"].choices
    for query in ("value=kim@example.org", "ip=192.0.2.7"):
        found, errors = read_filter(query, masked=True)
        assert found.values == {}
        [error] = errors.values()
        assert "personal data is hidden" in error.message
    for text in ("kdoe", "doe", str(kim.pk)):
        assert read_filter(f"actor={text}", masked=True)[0].values == {"actor": str(kim.pk)}
