"""GET and POST /users/count/."""

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from tests.builders import make_user
from users.directory import count_views, counts, tasks
from users.directory.filter import Filter
from users.models import User

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def viewer(client):
    client.force_login(make_user("Support", username="viewer"))
    return client


@pytest.fixture
def people():
    return [make_user(username=f"smith{number}", email="") for number in range(12)]


def wanted(query: str) -> Filter:
    return Filter.parse(QueryDict(query))


def test_few_matches_are_counted_at_once(viewer, people):
    answer = viewer.get("/users/count/?q=smith", headers=HTMX)
    assert answer.status_code == 200
    assert '<strong class="number">12</strong> accounts' in answer.content.decode()
    assert b"Count exactly" not in answer.content


@pytest.mark.parametrize(("role", "expected"), [("Manager", True), ("Viewer", False)])
def test_the_bar_of_those_who_may_act_gets_the_number(client, people, role, expected):
    client.force_login(make_user(role))
    html = client.get("/users/count/?q=smith", headers=HTMX).content.decode()
    assert ('<span id="matching" hx-swap-oob="true">12 matching</span>' in html) is expected


def test_without_htmx_the_count_is_a_page(viewer, people):
    page = viewer.get("/users/count/?q=smith").content.decode()
    assert "<h1>" in page
    assert "accounts matching “smith”" in page


def test_beyond_the_cap_it_says_more_than(viewer, people, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 10)
    answer = viewer.get("/users/count/?q=smith", headers=HTMX).content.decode()
    assert 'More than <strong class="number">10</strong>' in answer
    assert "Count exactly" in answer


def test_the_capped_count_stops_at_the_cap(people, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 10)
    monkeypatch.setattr(counts, "SAMPLE_MARGIN", 100)  # a sample of 12 shows nothing
    assert counts.count_up_to_cap(wanted("q=smith")) == counts.Count(
        10, is_capped=True, estimate=max(10, counts.estimate_count(wanted("q=smith")))
    )


@pytest.fixture
def common_term(monkeypatch):
    """Of 300 accounts, 200 match "gmail"; the newest 100 are looked at first."""
    for number in range(300):
        provider = "gmail" if number % 3 else "post"
        make_user(username=f"ann{number}", email=f"{number}@{provider}.example")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE users_user")
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 20)
    monkeypatch.setattr(counts, "NEWEST_IDS", 100)


@pytest.mark.postgresql
def test_a_common_term_is_counted_among_the_newest_ids_alone(common_term):
    with CaptureQueriesContext(connection) as queries:
        found = counts.count_up_to_cap(wanted("q=gmail"))
    assert (found.number, found.is_capped) == (20, True)
    assert found.estimate > 100
    counted = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert len(counted) == 1
    assert '"users_user"."id" > ' in counted[0]


@pytest.mark.postgresql
def test_a_term_that_only_old_accounts_match_is_counted_in_all(common_term, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 40)
    monkeypatch.setattr(counts, "SAMPLE_MARGIN", 100)  # a sample of 300 shows nothing
    oldest = User.objects.earliest("pk").pk
    User.objects.filter(pk__gte=oldest + 45).update(search_key="else")  # unknown to the planner
    with CaptureQueriesContext(connection) as queries:
        assert counts.count_up_to_cap(wanted("q=gmail")) == counts.Count(30)
    # Of the newest, of the sample, and of all.
    assert sum("COUNT(" in query["sql"] for query in queries) == 3


@pytest.fixture
def many_smiths(monkeypatch):
    """Makes 620 accounts that match "smith", of which 20 are in the search sample."""
    accounts = [User(username=f"smith{number}", password="!") for number in range(620)]
    for account in accounts:
        account.derive()
    User.objects.bulk_create(accounts)


@pytest.mark.postgresql
def test_a_sample_shows_that_more_match_than_the_cap_and_about_how_many(many_smiths, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 490)
    with CaptureQueriesContext(connection) as queries:
        found = counts.count_up_to_cap(wanted("q=smith"))
    assert found == counts.Count(490, is_capped=True, estimate=620)
    [counted] = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert '("users_user"."id" % 31) = 0' in counted


@pytest.mark.postgresql
def test_what_a_sample_leaves_open_is_counted_exactly(many_smiths, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 619)
    assert counts.count_up_to_cap(wanted("q=smith")).is_capped
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 620)
    assert counts.count_up_to_cap(wanted("q=smith")) == counts.Count(620)


@pytest.mark.postgresql
@pytest.mark.parametrize(("planned", "estimate"), [(700, 700), (200, 11 * 31)])
def test_the_planner_estimates_what_a_sample_counts_in_part_but_not_below_that(
    many_smiths, monkeypatch, planned, estimate
):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 100)
    monkeypatch.setattr(counts, "SAMPLED_MATCHES", 10)
    monkeypatch.setattr(counts, "estimate_count", lambda filter: planned)
    # They would be counted among the newest.
    monkeypatch.setattr(counts, "reaches_cap_soon", lambda *args: False)
    found = counts.count_up_to_cap(wanted("q=smith"))
    assert found == counts.Count(100, is_capped=True, estimate=estimate)


def test_an_exact_count_is_asked_of_a_worker_and_shown(viewer, people, monkeypatch):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", 10)
    asked = viewer.post("/users/count/?q=smith", headers=HTMX).content.decode()
    assert "Counting exactly" in asked
    assert 'hx-trigger="load delay:1s"' in asked
    assert OrmQ.objects.count() == 1
    tasks.count_accounts(wanted("q=smith").digest)
    shown = viewer.get("/users/count/?q=smith", headers=HTMX).content.decode()
    assert '<strong class="number">12</strong> accounts' in shown
    assert "hx-trigger" not in shown


def test_asking_twice_counts_once(viewer, people):
    viewer.post("/users/count/?q=smith", headers=HTMX)
    viewer.post("/users/count/?q=smith&sort=name", headers=HTMX)
    assert OrmQ.objects.count() == 1


def test_without_htmx_asking_leads_back_to_the_page(viewer, people):
    answer = viewer.post("/users/count/?q=smith")
    assert (answer.status_code, answer["Location"]) == (302, "/users/count/?q=smith")


def test_a_count_that_takes_too_long_says_so(viewer, people, monkeypatch):
    def slow(digest):
        raise OperationalError("canceling statement due to statement timeout")

    counts.request_count(wanted("q=smith"))
    monkeypatch.setattr(counts, "count_requested", slow)
    tasks.count_accounts(wanted("q=smith").digest)
    assert (
        "Counting took more than 2 minutes."
        in viewer.get("/users/count/?q=smith", headers=HTMX).content.decode()
    )


def test_a_capped_count_that_takes_too_long_offers_the_exact_one(viewer, people, monkeypatch):
    def slow(wanted):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(count_views.counts, "count_up_to_cap", slow)
    answer = viewer.get("/users/count/?q=smith", headers=HTMX).content.decode()
    assert "Too many to count quickly" in answer
    assert "Count exactly" in answer


def test_nobody_counts_what_nobody_asks_for_any_more(people):
    cache.clear()
    assert counts.count_requested(wanted("q=smith").digest) is None


def test_the_worker_counts_under_its_own_time_limit(people, django_assert_max_num_queries):
    counts.request_count(wanted("q=smith"))
    assert counts.count_requested(wanted("q=smith").digest) == 12
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert (
                cursor.fetchone()[0] == "2min"
            )  # local to the transaction, which here is the test's


def test_an_account_without_a_role_may_not_count(client):
    client.force_login(make_user(is_staff=True))
    answer = client.get("/users/count/")
    assert answer.status_code == 403
    assert b"users.view_user" in answer.content


def test_signed_out_leads_to_the_sign_in_page(client):
    assert client.get("/users/count/")["Location"].startswith("/login/")


def test_a_bad_filter_is_named(viewer):
    answer = viewer.get("/users/count/?status=asleep")
    assert answer.status_code == 400
    assert b"status" in answer.content


def test_a_wrong_method_is_refused(viewer):
    assert viewer.put("/users/count/").status_code == 405


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (7, "7"),
        (950, "950"),
        (1_234, "1,230"),
        (132_456, "132,000"),
        (10_240_000, "10.2 million"),
        (3_000_000, "3 million"),
    ],
)
def test_guesses_are_rounded_as_they_deserve(number, words):
    assert counts.format_estimate(number) == words
