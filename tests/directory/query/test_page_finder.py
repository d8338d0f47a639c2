"""Every filter in every order, page by page, both ways: each account once, at a bounded cost."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http import QueryDict
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.directory.filter import Filter
from users.directory.query import LAST_PAGE, find, limits
from users.directory.sorts import SORTS
from users.models import State, User
from users.sessions.models import SignInEvent
from users.web.days import day_end

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
FILTERS = [
    "",
    "status=active",
    "status=suspended",
    "status=ended",
    "status=deleted",
    "role=staff",
    "role=superuser",
    "group=Support",
    "domain=example.com",
    "domain=rare.example",
    "verified=no",
    "bounced=yes",
    "bounced=no",
    "mfa=yes",
    "mfa=no",
    "must_change=yes",
    "joined_from=-30d",
    "joined_from=-90d&joined_to=-30d",
    "seen_from=-60d",
    "seen_to=-60d",
    "never_seen=yes",
    "never_seen=no",
    "source=crm",
    "missing=email",
    "missing=name",
    "ip=192.0.2.7",
    "status=suspended&domain=example.com",
    "status=suspended&joined_from=-60d",
    "seen_from=-60d&seen_to=-10d",
    "joined_to=-30d&source=crm",
    "q=smith",
    "q=smi+domain:example.com",
    "q=jo",
    "q=nobody-has-this",
]


@pytest.fixture(scope="module")
def made_once(django_db_setup, django_db_blocker):
    """1,200 accounts with ties in every column, missing values, and rare ones."""
    chance = random.Random(7)
    with django_db_blocker.unblock(), transaction.atomic():
        User.objects.bulk_create([made_up(number, chance) for number in range(1_200)])
        members = User.groups.through.objects
        support = Group.objects.get(name="Support")
        members.bulk_create(
            [
                User.groups.through(user_id=pk, group_id=support.pk)
                for pk in User.objects.values_list("pk", flat=True)[:9]
            ]
        )
        SignInEvent.objects.bulk_create(
            [
                SignInEvent(account_id=pk, outcome="ok", ip="192.0.2.7")
                for pk in User.objects.order_by("-pk").values_list("pk", flat=True)[:120]
            ]
        )
        with django_db_blocker.block():
            yield
        transaction.set_rollback(True)


@pytest.fixture
def directory(made_once, db):
    return list(User.objects.all())


def made_up(number: int, chance: random.Random) -> User:
    last = chance.choice(["Smith", "Smith", "García", "Müller", "", "Nguyễn"])
    status = chance.choices(["active", "suspended", "deleted", "invited"], [85, 8, 4, 3])[0]
    email = (
        f"p{number}@{chance.choice(['example.com', 'example.com', 'mail.example'])}"
        if number % 11
        else ""
    )
    user = User(
        username=f"p{number:04}",
        email=f"p{number}@rare.example" if number in (17, 400) else email,
        first_name=chance.choice(["Jo", "Jöna", "Ann"]) if last else "",
        last_name=last,
        status=status,
        status_reason="spam" if status == State.SUSPENDED else "",
        suspended_until=NOW + timedelta(days=chance.choice([-3, 3]))
        if status == State.SUSPENDED and number % 2
        else None,
        deleted_at=NOW if status == State.DELETED else None,
        valid_until=NOW - timedelta(days=1) if number % 50 == 0 else None,
        date_joined=NOW - timedelta(days=chance.randrange(120)),
        last_seen_at=None if number % 4 == 0 else NOW - timedelta(days=chance.randrange(100)),
        email_verified_at=NOW if number % 6 else None,
        email_bounced_at=NOW if number % 41 == 0 else None,
        is_staff=number % 300 == 0,
        is_superuser=number == 300,
        has_second_factor=number % 30 == 0,
        must_change_password=number % 97 == 0,
        source="crm" if number % 5 == 0 else "",
        password="!",
    )
    user.derive()
    return user


def wanted(query: str, sort: str, size: int = 100) -> Filter:
    return Filter.parse(QueryDict(query)).with_sort(sort).with_size(size)


def expected(query: str, sort: str) -> list[int]:
    return in_order(matching(query), sort)


def matching(query: str) -> list[User]:
    columns = {each.column for each in SORTS.values()}
    return list(Filter.parse(QueryDict(query)).apply().only(*columns))


def in_order(accounts: list[User], sort: str) -> list[int]:
    def key(account: User):
        return SORTS[sort].read_key(account), account.pk

    return [each.pk for each in sorted(accounts, key=key, reverse=sort[0] == "-")]


@pytest.fixture(scope="module")
def matches_once(made_once, django_db_blocker) -> dict[str, list[User]]:
    """The matches of each filter, among the accounts that are made once."""
    with django_db_blocker.unblock():
        return {query: matching(query) for query in FILTERS}


def forwards(filter: Filter) -> list[int]:
    seen = []
    after = ""
    while True:
        page = find(filter, after=after).page
        seen += [account.pk for account in page.accounts]
        if not page.next:
            return seen
        after = page.next


def backwards(filter: Filter) -> list[int]:
    pages = []
    before = LAST_PAGE
    while True:
        page = find(filter, before=before).page
        pages.insert(0, [account.pk for account in page.accounts])
        if not page.previous:
            return [pk for page in pages for pk in page]
        before = page.previous


@pytest.mark.long(15)
@pytest.mark.parametrize("sort", SORTS)
def test_each_filter_shows_each_match_exactly_once_there_and_back(matches_once, sort, db):
    for query, accounts in matches_once.items():
        matches = in_order(accounts, sort)
        assert forwards(wanted(query, sort)) == matches, query
        # Where the first page would be short it is filled up, and repeats what stands behind it.
        assert list(dict.fromkeys(backwards(wanted(query, sort)))) == matches, query


@pytest.mark.parametrize("sort", ["-joined", "name", "seen", "-email"])
def test_a_short_scan_and_a_collection_give_the_same_accounts(matches_once, sort, monkeypatch, db):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 40)
    monkeypatch.setattr(limits, "COLLECT_LIMIT", 1_200)
    for query, accounts in matches_once.items():
        assert forwards(wanted(query, sort)) == in_order(accounts, sort), query


def test_a_sample_says_that_it_is_one_and_holds_only_matches(directory, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 40)
    found = find(wanted("q=smith", "name"))
    assert found.capped
    assert len(found.page.accounts) in range(41, 47)  # the sample, and what the scan read
    assert {account.pk for account in found.page.accounts} <= set(expected("q=smith", "name"))


@pytest.mark.parametrize("query", ["q=smith&verified=no", "q=smith@", "q=smith+nobody-has-this"])
def test_a_sample_says_so_even_if_nothing_in_it_matches(directory, query, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 40)
    few_candidates = query.endswith("this") or (connection.vendor == "sqlite" and "@" in query)
    assert find(wanted(query, "name")).capped is not few_candidates


def test_a_filter_that_few_meet_is_complete_beside_a_search_that_many_do(directory, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 40)
    found = find(wanted("q=smith&must_change=yes", "name"))
    assert not found.capped
    assert [account.pk for account in found.page.accounts] == expected(
        "q=smith&must_change=yes", "name"
    )


def test_the_end_of_a_list_is_complete_where_a_collection_would_be_a_sample(directory, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 60)
    monkeypatch.setattr(limits, "COLLECT_LIMIT", 30)
    assert forwards(wanted("status=active", "name", size=25)) == expected("status=active", "name")


def test_a_scan_keeps_to_the_accounts_of_a_filter_that_an_index_holds_in_order(
    directory, monkeypatch
):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 200)  # of everybody, that meets some three
    monkeypatch.setattr(limits, "COLLECT_LIMIT", 5)
    found = find(wanted("status=suspended&source=crm", "name", size=25))
    assert not found.capped
    assert [account.pk for account in found.page.accounts] == expected(
        "status=suspended&source=crm", "name"
    )[:25]


@pytest.mark.parametrize("query", ["joined_to=-30d", "joined_to=-30d&source=crm"])
def test_a_page_behind_a_cursor_is_read_from_there_and_not_from_the_end_of_the_range(
    directory, query, django_assert_max_num_queries
):
    filter = wanted(query, "-joined", size=25)
    after = find(filter).page.next
    with django_assert_max_num_queries(1) as captured:
        find(filter, after=after)
    assert day_end("-30d").date().isoformat() not in captured.captured_queries[0]["sql"]


@pytest.mark.postgresql  # FTS5 names the first account at once
@pytest.mark.parametrize("sort", ["-joined", "name", "-email"])
def test_where_the_search_index_would_be_slow_some_pages_of_the_table_are_the_sample(
    directory, sort, monkeypatch
):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "COMMON_WORD_LIMIT", 100)
    monkeypatch.setattr(limits, "PROBE_BYTES", 10**9)
    monkeypatch.setattr(limits, "SAMPLE_BYTES", 10**9)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 200)
    found = find(wanted("q=smith", sort, size=25))
    assert found.capped
    seen = forwards(wanted("q=smith", sort, size=25))
    matches = expected("q=smith", sort)
    assert seen == [pk for pk in matches if pk in set(seen)]
    assert 25 < len(seen) < len(matches)


@pytest.mark.parametrize("beside", ["", "&q=person"])
def test_a_list_of_a_state_follows_the_clock(directory, beside, monkeypatch):
    start = timezone.now()
    step = timedelta(minutes=5)
    fields = {
        "status": State.SUSPENDED,
        "status_reason": "Spam",
        "suspended_until": start + step,
        "valid_until": start + 2 * step,
    }
    account = make_user(first_name="Person", **fields)  # the newest of all
    for after, state in enumerate(["suspended", "active", "ended"]):
        monkeypatch.setattr(timezone, "now", lambda after=after: start + after * step)
        states = State.values
        found = [
            each
            for each in states
            if account in find(wanted(f"status={each}{beside}", "-joined")).page.accounts
        ]
        assert found == [state]


@pytest.fixture
def broad(monkeypatch):
    """Every filter fits very many accounts, and what is sampled is the whole table."""
    for name, value in {
        "SCAN_LIMIT": 5,
        "BROAD_FILTER_LIMIT": -1,
        "COLLECT_LIMIT": 200,
        "PROBE_BYTES": 10**9,
        "SAMPLE_BYTES": 10**9,
    }.items():
        monkeypatch.setattr(limits, name, value)


@pytest.mark.postgresql  # SQLite has no such sample
@pytest.mark.parametrize("sort", ["-joined", "name", "-email"])
def test_where_each_of_two_filters_fits_very_many_some_pages_of_the_table_are_the_sample(
    directory, sort, broad
):
    query = "verified=yes&never_seen=no"
    found = find(wanted(query, sort, size=25))
    assert found.capped
    seen = forwards(wanted(query, sort, size=25))
    matches = expected(query, sort)
    assert seen == [pk for pk in matches if pk in set(seen)]
    assert 25 < len(seen) <= len(matches)


@pytest.mark.postgresql
def test_a_sample_in_which_nobody_fits_says_that_it_is_one(directory, broad, client):
    found = find(wanted("verified=no&seen_to=1990-01-01", "name"))
    assert (found.page.accounts, found.capped) == ([], True)
    client.force_login(make_superuser())
    page = client.get("/users/?verified=no&seen_to=1990-01-01&sort=name").content.decode()
    assert "No accounts found so far" in page
    assert 'href="/users/count/?verified=no&amp;seen_to=1990-01-01&amp;sort=name"' in page
    assert "No matching accounts" not in page


def test_what_was_collected_whole_is_no_sample(directory, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    found = find(wanted("domain=rare.example", "name"))
    assert (len(found.page.accounts), found.capped) == (2, False)


def test_nobody_is_skipped_or_repeated_while_others_come_and_go(directory):
    for sort in ("-joined", "name", "seen"):
        here = expected("status=active", sort)
        seen = []
        after = ""
        page_number = 0
        while True:
            page = find(wanted("status=active", sort), after=after).page
            seen += [account.pk for account in page.accounts]
            page_number += 1
            User.objects.create_user(
                f"new-{sort.strip('-')}-{page_number}", first_name="Ann", last_name="García"
            )
            gone = User.objects.filter(pk__in=here[-1:]).exclude(pk__in=seen)
            here = here[: -gone.count() or None]
            gone.delete()
            if not page.next:
                break
            after = page.next
        assert len(seen) == len(set(seen)), sort
        assert [pk for pk in seen if pk in set(here)] == here, sort


def test_behind_rows_that_are_gone_the_last_page_is_shown(directory):
    filter = wanted("status=active", "name")
    after = find(filter).page.next
    kept = [account.pk for account in find(filter).page.accounts]
    User.objects.exclude(pk__in=kept).delete()
    assert [account.pk for account in find(filter, after=after).page.accounts] == kept


def test_an_id_shows_that_account_alone(directory):
    account = directory[5]
    found = find(wanted(f"q={account.pk}", "name"))
    assert ([each.pk for each in found.page.accounts], found.exact) == ([account.pk], True)


def test_a_username_stands_first_and_the_rest_follows(directory):
    User.objects.create_user("smith", last_name="Zzz")
    found = find(wanted("q=smith", "name"))
    assert found.page.accounts[0].username == "smith"
    assert len(found.page.accounts) > 10
    assert found.named == {found.page.accounts[0].pk}


@pytest.mark.parametrize("sort", SORTS)
def test_a_page_takes_at_most_two_queries_and_a_search_three(
    directory, sort, django_assert_max_num_queries
):
    for query in FILTERS:
        filter = wanted(query, sort)
        probes = bool(filter.search) and connection.vendor == "postgresql"
        with django_assert_max_num_queries(2 + bool(filter.search.exact) + probes):
            find(filter)
