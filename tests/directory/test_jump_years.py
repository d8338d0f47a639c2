"""The years that the list has links to, read from the ends of an index."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from tests.pages import read
from tests.plans import explain, reset_planner
from users.directory.jump_years import query_ends, query_years

pytestmark = pytest.mark.django_db
SEEN = {year: datetime(year, 7, 1, tzinfo=UTC) for year in (2019, 2022)}


def test_the_strip_has_the_years_in_which_somebody_is(client):
    client.force_login(
        make_user(
            "Viewer", date_joined=datetime(2024, 5, 1, tzinfo=UTC), time_zone="America/New_York"
        )
    )
    make_user(
        date_joined=datetime(2021, 12, 31, tzinfo=UTC),
        last_seen_at=datetime(2022, 1, 1, tzinfo=UTC),
    )
    # Of 2023 in UTC, and of 2022 in the viewer's zone.
    make_user(date_joined=datetime(2023, 1, 1, 4, tzinfo=UTC))
    strip = read(client.get("/users/")).one("nav", class_="jumps")
    assert [link.text for link in strip.all("a")] == ["2024", "2022", "2021"]
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
    for year in (2019, 2022):
        make_user(date_joined=datetime(year, 5, 1, tzinfo=UTC), last_seen_at=SEEN[year])
    with CaptureQueriesContext(connection) as captured:
        assert query_years(sort) == [2019, 2022]
    assert len(captured) == 3
    reset_planner("users_user")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        for query in captured.captured_queries:
            plan = explain(cursor, query["sql"])
            # Two years without accounts, two probes.
            assert plan.count(index) == (2 if "2020" in query["sql"] else 1)
            assert "Sort" not in plan
            assert "TEMP B-TREE" not in plan
