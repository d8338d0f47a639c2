"""A sample of search keys, and what it says about how to use the trigram index."""

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from tests.directory.query.test_page_finder import backwards, forwards, in_order
from tests.plans import explain, reset_planner
from users.database.search_index import SAMPLE_DIVISOR
from users.directory.filter import Filter
from users.directory.query import find, key_sample, limits
from users.directory.query.key_sample import (
    KEYS_SQL,
    KeySample,
    SampleMemory,
    read_key_sample,
)
from users.models import User

KEYS = {"table": "users_user", "column": "search_key"}


def make_named(number: int, first_name: str, last_name: str) -> list[User]:
    """Creates accounts of that name, which have no addresses."""
    start = User.objects.count()
    if not start:
        reset_planner("users_user")  # its pages may be empty, and are sampled
    accounts = [
        User(username=f"n{start + step}", first_name=first_name, last_name=last_name, password="!")
        for step in range(number)
    ]
    for account in accounts:
        account.derive()
    return User.objects.bulk_create(accounts)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_keys_are_those_of_evenly_spaced_pages_and_of_all_if_there_are_few(monkeypatch):
    assert read_key_sample("default", **KEYS) == KeySample([], 1)
    keys = [account.search_key for account in make_named(1_000, "Ann", "Lee")]
    monkeypatch.setattr(limits, "PROBE_PAGES", 10**6)
    sample = read_key_sample("default", **KEYS)
    assert (sorted(sample.keys), sample.scale) == (sorted(keys), 1)
    assert sample.estimate(["ann", "n99"]) == 11
    monkeypatch.setattr(limits, "PROBE_PAGES", 4)
    sample = read_key_sample("default", **KEYS)
    assert sample.scale in (2, 4, 8, 16, 32, 64)
    assert 0 < len(sample.keys) < 1_000
    assert sorted(sample.keys) == keys_on_multiples(sample.scale)


def keys_on_multiples(stride: float) -> list[str]:
    """Returns the keys on the pages of the table whose numbers are multiples of `stride`."""
    page = "(ctid::text::point)[0]::bigint"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT search_key FROM users_user WHERE {page} % {stride:.0f} = 0")
        return sorted(key for (key,) in cursor.fetchall())


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_sample_reads_its_pages_and_no_others():
    make_named(10, "Ann", "Lee")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as in the web process
        cursor.execute(f"EXPLAIN {KEYS_SQL.format(pages=4, **KEYS)}")
        plan = str(cursor.fetchall())
    assert "Tid Range Scan on users_user" in plan
    assert plan.count("on users_user") == 1


@pytest.mark.parametrize(
    ("term", "trigrams"),
    [
        ("smith", ("mit",)),  # the same keys contain "smi"
        ("john", ("joh", "ohn")),  # other keys contain one of them
        ("xsmi", ("xsm", "smi")),
        ("lee", ("lee",)),
        ("h le", (" le",)),  # pg_trgm looks up "h l" as the beginning of "l"
        # No key contains one of these trigrams, but some accounts may.
        ("nobody", ("bod", "nob", "obo", "ody")),
    ],
)
def test_a_word_is_looked_up_by_trigrams_that_exclude_other_accounts(term, trigrams):
    keys = ["smith john", "smith lee", "ssmith", "xsmall", "edith", "wit", "joh", "ohn", "ohn"]
    assert KeySample(keys, scale=10).lookup_trigrams([term], 100) == trigrams


def test_the_rarest_trigram_of_all_words_comes_first():
    sample = KeySample(["ann lee", "ann roe", "ann roe", "eve roe", "eve roe"], scale=10)
    assert sample.lookup_trigrams(["roe", "ann"], 100) == ("ann", "roe")
    assert sample.lookup_trigrams(["roe", "eve"], 100) == ("eve",)


def test_a_very_common_word_is_not_looked_up_beside_a_rarer_one():
    sample = KeySample(["ann gmail", *["eve gmail"] * 500], scale=10)
    assert sample.lookup_trigrams(["ann", "gmail"], 100) == ("ann",)
    assert sample.lookup_trigrams(["gmail"], 100) == ("ail",)


def test_a_rare_number_is_looked_up_without_the_digits_that_most_numbers_have():
    sample = KeySample(["+4915155", "+4915144"] * 50, scale=10)
    assert sample.lookup_trigrams(["49151789"], 100) == ("178", "517", "789")


def test_more_trigrams_are_looked_up_if_all_accounts_with_them_are_read():
    # "roe" has many entries, and excludes a third of the accounts with "ann".
    sample = KeySample(["ann roe", "ann roe", "ann lee", *["roe"] * 100], scale=10)
    assert sample.lookup_trigrams(["ann", "roe"], limit=100) == ("ann", "roe")
    assert sample.lookup_trigrams(["ann", "roe"], limit=1) == ("ann",)


def test_a_process_reads_the_keys_of_a_column_once_in_a_minute(monkeypatch):
    read = []
    now = 1_000.0

    def read_sample(database: str, *, table: str, column: str) -> KeySample:
        read.append(table)
        return KeySample([], 1)

    monkeypatch.setattr(key_sample, "read_key_sample", read_sample)
    monkeypatch.setattr(key_sample, "monotonic", lambda: now)
    memory = SampleMemory()
    memory.get("default")
    memory.get("default", table="users_formervalue", column="key")
    now += 60
    memory.get("default")
    assert read == ["users_user", "users_formervalue"]
    now += 1
    memory.get("default")
    assert len(read) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("masked", [False, True])
def test_two_common_words_find_exactly_the_accounts_with_both(masked, monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "COMMON_WORD_LIMIT", 50)
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 50)
    wanted = [account.pk for account in make_named(30, "Smith", "Garcia")]
    make_named(60, "Anna", "Smith")
    make_named(60, "Bob", "Garcia")
    make_named(5, "Dmitri", "Marci")  # has the rarest trigrams, "mit" and "rci"
    make_named(9, "Smilla Edith", "Gargarcy Lucia")
    with CaptureQueriesContext(connection) as queries:
        found = find(Filter.parse(QueryDict("q=smith+garcia&sort=name"), masked=masked))
    assert [account.pk for account in found.page.accounts] == wanted
    assert not found.capped
    if connection.vendor == "postgresql":
        [_, _, collection] = [query["sql"] for query in queries]
        assert "LIKE '%rci%'" in collection
        assert (
            "LIKE '%smith%'" not in collection.partition("sampling AS")[2].partition("total AS")[0]
        )


@pytest.mark.django_db
def test_a_word_of_half_of_all_finds_exactly_the_accounts_that_have_the_other_one(monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    wanted = [account.pk for account in make_named(30, "Smith", "Garcia")]
    make_named(5, "Edith", "Garcia")
    make_named(600, "Anna", "Smith")
    found = find(Filter.parse(QueryDict("q=smith+garcia&sort=name")))
    assert ([account.pk for account in found.page.accounts], found.capped) == (wanted, False)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_accounts_with_the_trigrams_but_not_the_word_do_not_count_as_found(monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 10)
    make_named(30, "Xorn", "Ornu")
    wanted = [account.pk for account in make_named(9, "Xornu", "Lee")]
    found = find(Filter.parse(QueryDict("q=xornu&sort=name")))
    assert ([account.pk for account in found.page.accounts], found.capped) == (wanted, False)
    make_named(2, "Xornu", "Lee")
    assert find(Filter.parse(QueryDict("q=xornu&sort=name"))).capped


@pytest.fixture
def smiths(monkeypatch) -> list[User]:
    """Makes 620 accounts with one name, of which 20 are in the index of the sample."""
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    return make_named(620, "Ann", "Smith")


def in_sample(accounts: list[User]) -> set[int]:
    return {account.pk for account in accounts if account.pk % SAMPLE_DIVISOR == 0}


def scanned(accounts: list[User]) -> set[int]:
    """The accounts that a scan by name reads."""
    return {account.pk for account in accounts[:5]}


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_word_of_many_accounts_is_looked_up_in_the_index_of_a_sample(smiths, monkeypatch):
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 600)
    monkeypatch.setattr(limits, "SAMPLE_CANDIDATES", 19)
    with CaptureQueriesContext(connection) as queries:
        found = find(Filter.parse(QueryDict("q=smith&sort=name&size=100")))
    assert {account.pk for account in found.page.accounts} == in_sample(smiths) | scanned(smiths)
    assert found.capped
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as in the web process
        plan = explain(cursor, queries[-1]["sql"])
    assert "user_sample_by_trigram" in plan
    assert "on user_by_trigram" not in plan


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(("beside", "read"), [("", 11), ("&verified=no", 16)])
def test_fewer_of_a_sample_are_read_if_all_of_it_match(smiths, beside, read, monkeypatch):
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 600)
    monkeypatch.setattr(limits, "SAMPLE_CANDIDATES", 10)
    monkeypatch.setattr(limits, "SAMPLE_LIMIT", 11)
    monkeypatch.setattr(limits, "CANDIDATE_SAMPLE", 16)
    found = find(Filter.parse(QueryDict(f"q=smith{beside}&sort=name&size=100")))
    assert len({account.pk for account in found.page.accounts} - scanned(smiths)) in (
        read - 1,
        read,
    )
    assert found.capped


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["-joined", "name"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_pages_of_a_sample_have_all_of_it_in_order_there_and_back(
    smiths, sort, masked, monkeypatch
):
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 600)
    monkeypatch.setattr(limits, "SAMPLE_CANDIDATES", 19)
    wanted = Filter.parse(QueryDict("q=smith"), masked=masked).with_sort(sort).with_size(10)
    for seen in (forwards(wanted), list(dict.fromkeys(backwards(wanted)))):
        assert in_sample(smiths) <= set(seen)
        assert seen == [pk for pk in in_order(smiths, sort) if pk in set(seen)]
        assert len(seen) < 600


@pytest.mark.postgresql
@pytest.mark.django_db
def test_an_estimate_that_is_much_too_high_hides_nobody(smiths, monkeypatch):
    """As that of accounts on one page of the table, if the page is among those that are read."""
    wanted = Filter.parse(QueryDict("q=smith&sort=name&size=100"))
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 600)
    monkeypatch.setattr(limits, "SAMPLE_CANDIDATES", 20)
    found = find(wanted)
    assert not found.capped
    assert [account.pk for account in found.page.accounts] == [each.pk for each in smiths[:100]]


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("enough", [19, 20])
def test_the_index_of_the_sample_shows_whether_there_are_too_many(smiths, enough, monkeypatch):
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 600)
    monkeypatch.setattr(limits, "SAMPLE_CANDIDATES", enough)
    found = find(Filter.parse(QueryDict("q=smith&sort=name&size=100")))
    if enough < 20:
        chosen = in_sample(smiths) | scanned(smiths)
        assert {account.pk for account in found.page.accounts} == chosen
    else:
        assert len(found.page.accounts) == 100
    assert found.capped
