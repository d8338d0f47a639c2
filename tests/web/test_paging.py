"""Pages of lists by id, and their links."""

import pytest

from tests.builders import make_user
from users.models import User
from users.web.paging import newest_page


@pytest.fixture
def ids() -> list[int]:
    """The ids of three accounts, newest first."""
    return sorted((make_user().pk for _ in range(3)), reverse=True)


@pytest.mark.django_db
def test_a_page_holds_the_newest_rows_below_an_id(ids):
    accounts = User.objects.filter(pk__in=ids)
    first = newest_page(accounts, 2)
    assert ([account.pk for account in first.rows], first.has_next) == (ids[:2], True)
    second = newest_page(accounts, 2, ids[1])
    assert ([account.pk for account in second.rows], second.has_next) == (ids[2:], False)


@pytest.mark.django_db
def test_a_full_last_page_has_no_next_one(ids):
    assert not newest_page(User.objects.filter(pk__in=ids), 3).has_next


@pytest.mark.django_db
def test_a_page_needs_one_query(ids, django_assert_num_queries):
    with django_assert_num_queries(1):
        newest_page(User.objects.filter(pk__in=ids), 2, ids[0]).links("/list/")


@pytest.mark.django_db
def test_links_lead_to_the_next_and_the_first_page_and_keep_the_filters(ids):
    accounts = User.objects.filter(pk__in=ids)
    assert newest_page(accounts, 1).links("/list/") == {
        "older": f"/list/?after={ids[0]}",
        "newest": "",
    }
    assert newest_page(accounts, 1, ids[0]).links("/list/", "before", state="done", kind="") == {
        "older": f"/list/?state=done&before={ids[1]}",
        "newest": "/list/?state=done",
    }
    assert newest_page(accounts, 1, ids[1]).links("/list/") == {"older": "", "newest": "/list/"}
