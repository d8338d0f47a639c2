"""The plans of searches over SCIM, and what bounds those that no plan bounds."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.plans import assert_no_sort, plans
from tests.scim.builders import create_synced, make_scim
from users.models import User
from users.scim import search, search_limits

pytestmark = pytest.mark.django_db
ORDERS = ("", "&sortBy=meta.lastModified", "&sortBy=userName")
INDEXES = {
    'userName eq "ada"': "user_username_unique|user_by_username",
    'emails.value eq "ada@example.com"': "user_email_unique|user_by_email",
    'emails[type eq "work" and value eq "ada@example.com"]': "user_email_unique|user_by_email",
    'externalId eq "7"': "user_source_unique",
}

BY_ID = re.compile("users_user_pkey|PRIMARY KEY")


@pytest.fixture
def client():
    found = make_scim()
    for number in range(30):
        create_synced(found, externalId=str(number))
    return found


def account_plans(client: Any, query: str) -> list[str]:
    """Returns the plans of the queries of accounts of the source."""
    found = plans(lambda: client.get(f"Users?{query}"))
    # Tokens and their holders are found by ID.
    return [plan for plan in found if "users_user" in plan and not BY_ID.search(plan)]


@pytest.mark.postgresql  # SQLite does not use an index that leaves out empty sources
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("direction", ["", "&sortOrder=descending"])
def test_pages_are_ranges_of_an_index(client, order, direction):
    first = f"count=2&cursor={order}{direction}"
    for plan in account_plans(client, first):
        assert_no_sort(plan)
    cursor = client.get(f"Users?{first}").json()["nextCursor"]
    found = account_plans(client, f"count=2&cursor={cursor}{order}{direction}")
    assert found
    for plan in found:
        assert_no_sort(plan)
        assert "Seq Scan" not in plan


@pytest.mark.postgresql
@pytest.mark.parametrize("filter_text", INDEXES)
def test_exact_values_are_found_by_their_index(client, filter_text):
    for query in ("", "&count=0", "&sortBy=userName"):
        found = "\n".join(account_plans(client, f"filter={quote(filter_text)}{query}"))
        assert re.search(INDEXES[filter_text], found), found


def test_no_count_is_unbounded(client, monkeypatch):
    monkeypatch.setattr(search_limits, "COUNTED_RESULTS", 10)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("Users?count=1").json()["totalResults"] >= 11
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    bounded = [sql for sql in counts if "LIMIT 11" in sql]
    # SQLite has no estimate, so it counts.
    assert len(counts) - len(bounded) == (connection.vendor == "sqlite")
    assert client.get('Users?filter=userName eq "nobody"').json()["totalResults"] == 0


@pytest.mark.postgresql
def test_a_search_that_takes_too_long_is_refused(client, monkeypatch):
    def search_long(*arguments: Any) -> Any:
        return list(User.objects.extra(where=["pg_sleep(5) IS NOT NULL"]))

    monkeypatch.setattr(search_limits, "SEARCH_TIMEOUT_MS", 20)
    monkeypatch.setattr(search, "find_accounts", search_long)
    refused = client.get("Users")
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    assert "Narrow the filter" in refused.json()["detail"]
