"""Each use counts once: pages, parts, cached pages, forms, reveals, searches and exports."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.builders import make_superuser, make_user, make_users
from tests.caching.looking import ask
from tests.meter.limits import count_of
from tests.transfer.exports.test_exports import make_export, path
from users.database.clock import current_hour
from users.meter.checks import count_shown_use
from users.meter.hour_totals import add_use
from users.meter.models import HourlyUse
from users.sessions.viewer_query import load_viewer

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "account"}


@pytest.fixture
def agent(client):
    agent = make_user("Support")
    client.force_login(agent)
    return agent


def test_an_account_counts_once_whichever_of_its_pages_are_shown(client, agent):
    ada, jane = make_users(2)
    for page in ("", "access/", "mail/", "suspension/", "history/", "edit/phone/"):
        assert client.get(f"/users/{ada.pk}/{page}").status_code == 200, page
    assert count_of(agent, "openings") == 1
    client.get(f"/users/{jane.pk}/", headers=PART)
    client.get(f"/users/{ada.pk}/sign-ins/", headers=PART)
    assert count_of(agent, "openings") == 3


def test_a_page_from_the_cache_counts(client, agent):
    ada, jane = make_users(2)
    pages = [f"/users/{account.pk}/" for account in (ada, jane, ada, jane)]
    outcomes = [ask(client, page).outcome for page in pages]
    assert outcomes == ["miss", "miss", "hit", "hit"]
    assert count_of(agent, "openings") == 4


def test_what_shows_no_account_of_somebody_else_does_not_count(client, agent):
    boss = make_superuser()
    ada = make_user()
    client.get(f"/users/{agent.pk}/")
    client.get("/users/999999/")
    client.get("/users/")
    client.get(f"/users/{ada.pk}/presence/?version=1")
    client.head(f"/users/{ada.pk}/")
    assert client.get(f"/users/{boss.pk}/suspension/").status_code == 403
    assert not HourlyUse.objects.exists()


def test_a_form_that_comes_back_with_errors_shows_its_account_and_counts(client, agent):
    ada = make_user()
    answer = client.post(f"/users/{ada.pk}/suspension/", {"version": 1, "reason": ""})
    assert answer.status_code == 422
    assert count_of(agent, "openings") == 1


def test_a_saved_form_does_not_count(client, agent):
    ada = make_user()
    sent = {"version": 1, "reason": "Spam", "duration": "open"}
    assert client.post(f"/users/{ada.pk}/suspension/", sent).status_code in (302, 422)
    saved = client.post(f"/users/{ada.pk}/notes/", {"text": "Called back"})
    assert saved.status_code == 302
    assert count_of(agent, "openings") <= 1


def test_a_superuser_counts_like_anyone(client):
    root = make_superuser()
    client.force_login(root)
    client.get(f"/users/{make_user().pk}/")
    assert count_of(root, "openings") == 1


def test_each_reveal_counts_and_a_refused_one_does_not(client, settings):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    ada = make_user()
    for _ in range(2):
        client.post(f"/users/{ada.pk}/reveal/", {"reason": "Call"})
    assert client.post(f"/users/{ada.pk}/reveal/", {"reason": ""}).status_code == 422
    assert count_of(viewer, "reveals") == 2
    settings.REVEALS_PER_HOUR = 2
    assert client.post(f"/users/{ada.pk}/reveal/", {"reason": "Call"}).status_code == 409
    assert count_of(viewer, "reveals") == 2


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ("q=ada", 1),
        ("q=ada@example.com&status=active", 1),
        ("q=email:ada", 1),
        ("q=", 0),
        ("q=17", 0),
        ("q=4915112345678", 1),
        ("q=id:17", 0),
        ("q=status:active", 0),
        ("status=active", 0),
        ("q=ada&sort=nonsense", 0),
    ],
)
def test_a_search_counts_if_it_names_somebody(client, agent, query, counts):
    client.get(f"/users/?{query}")
    assert count_of(agent, "searches") == counts


def test_pages_and_filters_of_one_search_count_once(client, agent):
    make_users(60)
    for query in ("q=person", "q=person&size=25", "q=Person+&status=active"):
        assert client.get(f"/users/?{query}").status_code == 200
    client.get("/users/?q=person", headers={"HX-Request": "true", "HX-Target": "results"})
    assert count_of(agent, "searches") == 1
    client.get("/users/?q=another")
    client.get("/users/?q=person")
    assert count_of(agent, "searches") == 3


def test_a_search_that_is_typed_letter_by_letter_does_not_count_each_letter(client, agent):
    for end in range(1, 8):
        client.get(f"/users/?q={'pereira'[:end]}")
    assert count_of(agent, "searches") == 3


@pytest.mark.parametrize("page", ["/users/former/", "/users/doctor/", "/users/count/"])
def test_other_searches_for_a_person_count(client, agent, page):
    client.get(f"{page}?q=nobody@example.com")
    assert count_of(agent, "searches") == 1


def test_a_number_that_a_post_asks_for_counts_as_a_search(client, agent):
    client.get("/users/?q=lovelace")
    headers = {"HX-Request": "true"}
    client.get("/users/count/?q=lovelace", headers=headers)
    assert count_of(agent, "searches") == 1
    client.post("/users/count/?q=pereira", headers=headers)
    assert count_of(agent, "searches") == 2


def test_the_preview_that_comes_with_an_incomplete_form_counts_as_a_search(client):
    root = make_superuser()
    client.force_login(root)
    make_user(username="ada", first_name="Ada", last_name="Lovelace")
    to = client.get("/users/bulk/suspension/?all=1&q=lovelace")["Location"]
    page = client.post(to)
    assert "Ada Lovelace" in page.content.decode()
    assert count_of(root, "searches") == 1


def test_the_people_that_a_bulk_action_finds_count_as_a_search(client):
    root = make_superuser()
    client.force_login(root)
    make_user(username="ada", first_name="Ada", last_name="Lovelace")
    page = client.get("/users/bulk/suspension/?all=1&q=lovelace", follow=True)
    assert "Ada Lovelace" in page.content.decode()
    assert count_of(root, "searches") == 1


def test_a_downloaded_file_counts_its_rows(client):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    export = make_export(auditor, number=4)
    client.get(path(export))
    client.get(path(export))
    assert count_of(auditor, "exports") == 4
    client.get(path(make_export(auditor, number=2)))
    assert count_of(auditor, "exports") == 6


def test_masked_rows_of_a_file_do_not_count(client):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    export = make_export(auditor, number=4)
    export.pieces.update(masked=True)
    assert client.get(path(export)).status_code == 200
    assert count_of(auditor, "exports") == 0


def test_a_count_is_one_statement(client, agent):
    ada, jane = make_users(2)
    client.get(f"/users/{ada.pk}/")
    client.get(f"/users/{jane.pk}/")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/users/{ada.pk}/")
    statements = [query["sql"] for query in queries]
    assert len([sql for sql in statements if "INTO users_hourlyuse" in sql]) == 1
    assert len(statements) == 2, "the viewer and the count, since the page is cached"


@pytest.mark.parametrize(
    ("path", "kind"), [("/users/{pk}/", "openings"), ("/users/?q=ada", "searches")]
)
def test_a_repeated_use_costs_no_statement(client, agent, path, kind):
    page = path.format(pk=make_user().pk)
    client.get(page)
    client.get(page)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page)
    assert answer.status_code == 200
    assert len(queries) == 1, "the viewer, with their last uses, since the page is cached"
    assert count_of(agent, kind) == 1


def test_what_another_process_has_counted_since_is_no_repetition(client, agent):
    ada = make_user()
    client.get(f"/users/{ada.pk}/")
    HourlyUse.objects.update(subject=ada.pk + 1)
    client.get(f"/users/{ada.pk}/")
    assert count_of(agent, "openings") == 2


def test_a_use_of_another_hour_kind_or_person_is_no_repetition(client, agent, client_factory):
    ada = make_user()
    client.get(f"/users/{ada.pk}/")
    other = make_user("Support")
    client_factory(other).get(f"/users/{ada.pk}/")
    assert count_of(other, "openings") == 1
    HourlyUse.objects.update(kind="exports")
    client.get(f"/users/{ada.pk}/")
    assert count_of(agent, "openings") == 1
    HourlyUse.objects.update(hour=current_hour() - timedelta(hours=1))
    client.get(f"/users/{ada.pk}/")
    assert count_of(agent, "openings") == 2


def test_a_use_that_was_rolled_back_is_no_repetition(client, agent):
    ada = make_user()
    with transaction.atomic():
        client.get(f"/users/{ada.pk}/")
        transaction.set_rollback(True)
    client.get(f"/users/{ada.pk}/")
    assert count_of(agent, "openings") == 1


def test_one_request_does_not_repeat_what_it_has_itself_replaced(agent):
    add_use(agent.pk, "openings", subject=7)
    viewer = load_viewer(agent.pk)
    for subject in (7, 8, 7):
        count_shown_use(viewer, "openings", subject=subject)
    assert count_of(agent, "openings") == 3
