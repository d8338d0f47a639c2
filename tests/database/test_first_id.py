"""ACCOUNT_ID_START: ids may start anywhere, and nothing assumes that they are dense."""

import pytest
from django.http import QueryDict
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.caching.looking import listed
from tests.jobs.kinds import start
from users.bulk.selection import Selection
from users.bulk.selection_count import sample_ids
from users.database.first_id import set_first_id
from users.directory.filter import Filter
from users.directory.query.keyset import fetch_page
from users.models import User

pytestmark = pytest.mark.django_db
START = 5_000_000_000


@pytest.fixture
def cell(settings):
    settings.ACCOUNT_ID_START = START
    set_first_id()


def test_the_first_account_of_an_empty_table_has_the_id(cell, settings):
    assert make_user().pk == START
    assert make_user().pk == START + 1
    settings.ACCOUNT_ID_START = 2 * START
    set_first_id()
    assert make_user().pk == START + 2


def test_ids_of_removed_accounts_are_not_used_again(cell, settings):
    make_user().delete()
    settings.ACCOUNT_ID_START = 100
    set_first_id()
    assert make_user().pk > START


def test_pages_hold_each_account_once(cell):
    joined = timezone.now()
    accounts = {make_user(date_joined=joined).pk for _ in range(30)}
    pages = [fetch_page(User.objects.all(), "joined", 7)]
    while pages[-1].next and len(pages) < 9:
        pages.append(fetch_page(User.objects.all(), "joined", 7, after=pages[-1].next))
    assert [account.pk for page in pages for account in page.accounts] == sorted(accounts)


def test_lists_samples_and_jobs_work_with_such_ids(cell, client):
    person = make_superuser()
    accounts = [make_user() for _ in range(30)]
    client.force_login(person)
    assert len(listed(client.get("/users/"))) == 31
    everyone = Selection.now(Filter.parse(QueryDict("")))
    assert len(sample_ids(everyone)) == 31
    job = start(person)
    assert job.up_to == accounts[-1].pk
    assert client.get(f"/users/?q={accounts[3].pk}").status_code == 200
    assert User.objects.count() == 31
