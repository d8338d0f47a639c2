"""A sample of search keys, and what it says about how to use the trigram index."""

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from tests.plans import reset_planner
from users.directory.filter import Filter
from users.directory.query import find, limits
from users.directory.query.key_sample import KEYS_SQL, KeySample, read_key_sample
from users.models import User


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
    assert read_key_sample("default") == KeySample([], 1)
    keys = [account.search_key for account in make_named(1_000, "Ann", "Lee")]
    monkeypatch.setattr(limits, "PROBE_PAGES", 10**6)
    sample = read_key_sample("default")
    assert (sorted(sample.keys), sample.scale) == (sorted(keys), 1)
    assert sample.estimate(["ann", "n99"]) == 11
    monkeypatch.setattr(limits, "PROBE_PAGES", 4)
    sample = read_key_sample("default")
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
        users = {"table": "users_user", "column": "search_key"}
        cursor.execute(f"EXPLAIN {KEYS_SQL.format(pages=4, **users)}")
        plan = str(cursor.fetchall())
    assert "Tid Range Scan on users_user" in plan
    assert plan.count("on users_user") == 1


@pytest.mark.parametrize(
    ("term", "cheap"),
    [
        ("smith", "mit"),  # fewer accounts have it than "smi" and "ith"
        ("john", "john"),  # "joh" and "ohn" are too common
        ("lee", "lee"),
        ("rare", "rare"),  # is no common word
        ("nobody", "nobody"),
    ],
)
def test_a_common_word_is_looked_up_by_its_rarest_trigram_if_few_other_words_have_it(
    term, cheap, monkeypatch
):
    monkeypatch.setattr(limits, "MANY_CANDIDATES", 20)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 20)
    keys = ["smith john", "smith lee", "smith lee rare", "smirnov lee", "edith", "john", "john"]
    keys += ["joh", "joh", "ohn", "ohn"]
    assert KeySample(keys, scale=10).cheap_terms([term]) == (cheap,)


def test_a_very_common_word_is_not_looked_up_beside_a_rarer_one(monkeypatch):
    monkeypatch.setattr(limits, "BROAD_WORD_LIMIT", 20)
    sample = KeySample(["ann gmail", "bob gmail", "eve gmail ann"], scale=10)
    assert sample.cheap_terms(["ann", "gmail"]) == ("ann",)
    assert sample.cheap_terms(["gmail"]) == ("gmail",)
    monkeypatch.setattr(limits, "UNCHECKED_LIMIT", 10)
    assert sample.cheap_terms(["ann", "gmail"]) == ("ann", "gmail")


@pytest.mark.parametrize(
    ("common", "part"),
    [
        ("", "915554445734"),
        ("555", "554445734"),
        ("915 555 734", "55444573"),
        ("915 444 734", "155544"),
        ("915 155 555 554 544 444 445 457 573 734", "915554445734"),
    ],
)
def test_a_rare_term_is_looked_up_without_very_common_trigrams(common, part, monkeypatch):
    monkeypatch.setattr(limits, "BROAD_TRIGRAM_LIMIT", 5)
    assert KeySample([common], scale=10).cheap_terms(["915554445734"]) == (part,)


def test_a_part_that_other_accounts_have_is_not_looked_up_for_a_rare_term(monkeypatch):
    monkeypatch.setattr(limits, "BROAD_TRIGRAM_LIMIT", 15)
    monkeypatch.setattr(limits, "CANDIDATE_LIMIT", 5)
    sample = KeySample(["ample", "ale1", "", "", "ample"], scale=10)
    assert sample.cheap_terms(["ample1"]) == ("ample1",)


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
        assert "LIKE '%mit%'" in collection
        assert "LIKE '%rci%'" in collection


@pytest.mark.django_db
def test_a_word_of_half_of_all_finds_exactly_the_accounts_that_have_the_other_one(monkeypatch):
    monkeypatch.setattr(limits, "SCAN_LIMIT", 5)
    monkeypatch.setattr(limits, "BROAD_WORD_LIMIT", 50)
    wanted = [account.pk for account in make_named(30, "Smith", "Garcia")]
    make_named(5, "Edith", "Garcia")
    make_named(60, "Anna", "Smith")
    found = find(Filter.parse(QueryDict("q=smith+garcia&sort=name")))
    assert ([account.pk for account in found.page.accounts], found.capped) == (wanted, False)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_fewer_candidates_are_read_if_the_page_is_a_sample_anyway(monkeypatch):
    for name, value in {"SCAN_LIMIT": 5, "MANY_CANDIDATES": 50, "CANDIDATE_SAMPLE": 20}.items():
        monkeypatch.setattr(limits, name, value)
    make_named(60, "Ann", "Smith")
    found = find(Filter.parse(QueryDict("q=smith&sort=name&size=100")))
    assert found.capped
    assert len(found.page.accounts) in range(21, 27)  # the sample, and what the scan read
