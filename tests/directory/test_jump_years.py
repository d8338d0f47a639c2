"""The years that the list has links to, read from the ends of an index."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from tests.pages import read
from tests.plans import explain
from users.directory.jump_years import query_ends

pytestmark = pytest.mark.django_db


def test_the_strip_has_the_years_in_which_somebody_is(client):
    client.force_login(make_user("Viewer", date_joined=datetime(2024, 5, 1, tzinfo=UTC)))
    make_user(
        date_joined=datetime(2021, 12, 31, tzinfo=UTC),
        last_seen_at=datetime(2022, 1, 1, tzinfo=UTC),
    )
    strip = read(client.get("/users/")).one("nav", class_="jumps")
    assert [link.text for link in strip.all("a")] == ["2024", "2023", "2022", "2021"]
    assert query_ends("seen")[0].year == 2022


def test_a_date_that_cannot_be_right_makes_no_thousand_links(client):
    client.force_login(make_user("Viewer", date_joined=datetime(9999, 12, 31, tzinfo=UTC)))
    make_user(date_joined=datetime(1, 1, 1, tzinfo=UTC))
    links = read(client.get("/users/")).one("nav", class_="jumps").all("a")
    assert len(links) < 100


@pytest.mark.parametrize(
    ("sort", "index"), [("joined", "user_by_joined"), ("seen", "user_by_last_seen")]
)
def test_the_years_are_read_from_the_ends_of_an_index(sort, index):
    make_user()
    with CaptureQueriesContext(connection) as captured:
        query_ends(sort)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        for query in captured.captured_queries:
            plan = explain(cursor, query["sql"])
            assert index in plan
            assert "Sort" not in plan
            assert "TEMP B-TREE" not in plan
