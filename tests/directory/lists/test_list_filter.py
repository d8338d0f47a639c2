"""The filter `list`: for every list, count and job of its owner, and of nobody else."""

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.directory.listing import get, rows, usernames
from tests.directory.lists.pasting import paste_list
from tests.masked_viewers import everything_but
from tests.pages import read
from users.bulk.selection import Selection
from users.directory import counts
from users.directory.filter import BadFilter, Filter
from users.directory.lists.models import PastedList, PastedListLine
from users.directory.query import find
from users.health import cleanup
from users.models import User
from users.privacy.tasks import redact_waiting_texts
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return [make_user(username=name, last_name=name.title()) for name in ("ada", "bob", "cyd")]


def owned_filter(pasted: PastedList, query: str = "") -> Filter:
    return Filter.parse(QueryDict(f"list={pasted.pk}{query}"), viewer_id=pasted.owner_id)


def test_it_finds_the_accounts_in_every_order_and_beside_other_filters(people):
    pasted = paste_list(make_user("Support"), "cyd", "ada", "ADA", "nobody")
    for order, names in (("name", ["ada", "cyd"]), ("-username", ["cyd", "ada"])):
        page = find(owned_filter(pasted, f"&sort={order}")).page
        assert [account.username for account in page.accounts] == names
    searched = find(owned_filter(pasted, "&q=cy&status=active")).page
    assert [account.username for account in searched.accounts] == ["cyd"]
    wanted = owned_filter(pasted)
    assert str(wanted) == f"accounts on list {pasted.pk}"
    counts.request_count(wanted)
    assert counts.count_requested(wanted.digest) == 2


def test_a_job_takes_it_and_changes_exactly_its_accounts(people):
    support = make_superuser()
    pasted = paste_list(support, "cyd", "ada", "nobody")
    selection = Selection.parse(
        QueryDict(f"list={pasted.pk}&all=1"),
        viewer_id=support.pk,
    )
    job = work(start("suspension", None, by=support, selection=selection.query))
    assert (job.state, job.changed, job.skipped) == ("done", 2, 0)
    suspended = User.objects.filter(status="suspended").values_list("username", flat=True)
    assert set(suspended) == {"ada", "cyd"}
    expire(pasted)
    assert cleanup.run_cleanup()["pasted lists"] == 1
    assert not PastedListLine.objects.exists()


def expire(pasted: PastedList) -> None:
    PastedList.objects.filter(pk=pasted.pk).update(expires_at=timezone.now() - timedelta(days=1))


def test_an_expired_list_stays_for_a_job_that_waits(people):
    support = make_superuser()
    pasted = paste_list(support, "ada")
    expire(pasted)
    job = start("suspension", None, by=support, selection=f"list={pasted.pk}&all=1")
    assert cleanup.run_cleanup()["pasted lists"] == 0
    assert work(job).changed == 1


def test_erasing_a_person_removes_their_lists_and_their_lines(people):
    ada, bob, _ = people
    for person, first, last in ((ada, "Ada", "Stone"), (bob, "Stone", "Ada")):
        person.first_name = first
        person.last_name = last
        person.save()
    root = make_superuser()
    pasted = paste_list(root, "ada", "cyd", ada.email, "Ada Stone", "adam@old.example")
    outcomes = pasted.lines.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["found", "found", "repeated", "ambiguous", "missing"]
    erase_account(User.objects.get(pk=ada.pk), by=root, reason="Request 17")
    redact_waiting_texts()
    left = PastedListLine.objects.filter(pasted_list=pasted).values_list("text", "account_id")
    assert list(left) == [("cyd", people[2].pk), ("adam@old.example", None)]
    erase_account(root, by=make_superuser(), reason="Request 18")
    assert not PastedListLine.objects.exists()


# --- pages and caches -----------------------------------------------------------------------------


@pytest.mark.sqlite
def test_only_the_owner_may_filter_by_a_list_even_beside_a_cached_page(people, client_factory):
    owner = make_user("Support")
    owners = client_factory(owner)
    others = client_factory(make_user("Support"))
    pasted = paste_list(owner, "ada")
    for query in (f"?list={pasted.pk}", f"?q=list:{pasted.pk}"):
        assert usernames(get(owners, query)) == ["Ada"]
        refused = get(others, query)
        assert refused.status_code == 422
        assert "is not one of your lists" in read(refused).one("main").text
        assert len(rows(refused)) > 1
        assert get(owners, query).status_code == 200
    for path in ("selection/?all=1&", "views/new/?", "filters/?", "count/?"):
        assert others.get(f"/users/{path}list={pasted.pk}").status_code == 400, path
    assert others.get(f"/users/bulk/suspension/?all=1&list={pasted.pk}").status_code == 400
    assert owners.get(f"/users/views/new/?list={pasted.pk}").status_code == 400
    panel = read(owners.get(f"/users/filters/?list={pasted.pk}"))
    assert panel.one("input", name="list").attributes["value"] == f"{pasted.pk}"
    page = read(get(owners, f"?list={pasted.pk}"))
    assert f"On list {pasted.pk}" in page.one("div", class_="chips").text
    assert not page.all("a", id="save-view")


@pytest.mark.sqlite
def test_a_list_that_is_gone_is_named(people, client_factory):
    owner = make_user("Support")
    client = client_factory(owner)
    pasted = paste_list(owner, "ada")
    assert get(client, f"?list={pasted.pk}").status_code == 200
    assert client.post(f"/users/lists/{pasted.pk}/deletion/").status_code == 302
    assert get(client, f"?list={pasted.pk}").status_code == 422
    with pytest.raises(BadFilter, match="is not one of your lists"):
        owned_filter(pasted)
    with pytest.raises(BadFilter, match="Enter the ID"):
        Filter.parse(QueryDict("list=x"), viewer_id=owner.pk)


@pytest.mark.sqlite
def test_a_masked_viewer_finds_whole_values_and_sees_masked_rows(people, client_factory):
    viewer = everything_but()
    client = client_factory(viewer)
    pasted = paste_list(viewer, people[0].email, "ad", "cy@example.com")
    page = get(client, f"?list={pasted.pk}")
    assert usernames(page) == ["Ada"]
    assert people[0].email.encode() not in page.content
    assert b"cy@example.com" not in client.get(f"/users/lists/{pasted.pk}/").content
