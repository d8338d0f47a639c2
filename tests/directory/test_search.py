"""What a search finds, on both databases alike.

A word of three and more characters is found anywhere in a line of the search key: username,
address, both orders of the name, phone, and so are shorter ones beside it. Shorter ones alone are
found at the beginning of username, address or name key. Every word must be found, unless several
shorter ones begin the name.
"""

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import make_user
from users.directory.filter import Filter
from users.directory.query import find
from users.directory.search import TRIGRAM_LENGTH, Search, exact_match
from users.directory.search_text import clean_search_text
from users.identifiers import normalise_search_text
from users.models import User

pytestmark = pytest.mark.django_db


def found(q: str) -> set[User]:
    """By the search index, and the same by conditions that are checked row by row."""
    search = Search.parse(q)
    by_index = set(search.apply(User.objects.all()))
    assert set(User.objects.filter(*search.conditions())) == by_index
    return by_index


def scanned(q: str) -> set[User]:
    """The same in plain Python, of the text that the box searches for: without the comma of "Berg,
    Ann", for one.
    """
    words = list(filter(None, map(normalise_search_text, clean_search_text(q).split())))
    anywhere = any(len(word) >= TRIGRAM_LENGTH for word in words)
    names: tuple[str, ...] = ()
    if len(words) > 1 and not anywhere:
        names = (" ".join(words), " ".join([words[-1], *words[:-1]]))
    return {
        account
        for account in User.objects.all()
        if (words and all(matches(account, word, anywhere) for word in words))
        or account.name_key.startswith(names)
    }


def matches(account: User, word: str, anywhere: bool) -> bool:
    if anywhere:
        return any(word in line for line in account.search_key.split("\n"))
    return any(key.startswith(word) for key in (account.username, account.email, account.name_key))


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("bo li", {"p1"}),
        ("li bo", {"p1"}),
        ("li b", {"p1"}),
        ("bo l", set()),
        ("健一 김", {"p2"}),
        ("김 健一", {"p2"}),
        ("bo li xu", set()),
        ("p1 li", {"p1"}),
    ],
)
def test_a_name_of_short_words_is_found_in_either_order(q, names):
    make_user(username="p1", first_name="Bo", last_name="Li")
    make_user(username="p2", first_name="健一", last_name="김")
    make_user(username="p3", first_name="Bob", last_name="Lind")
    assert {account.username for account in found(q)} == names
    assert set(find(Filter(q=q)).page.accounts) == found(q)


def test_a_long_word_beside_a_short_one_is_one_condition():
    """PostgreSQL multiplies the shares of all conditions, even of equal ones, so its estimate for
    the count would be too low.
    """
    _, params = Search.parse("smith jo").apply(User.objects.all()).query.sql_with_params()
    assert sum("smith" in str(param) for param in params) == 1


# --- what people type -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("lindq", {"ann"}),
        ("LINDQVIST", {"ann"}),
        ("indqvis", {"ann"}),
        ("maría", {"ann"}),
        ("maria", {"ann"}),
        ("MARIA lindqvist", {"ann"}),
        ("lindqvist maria", {"ann"}),
        ("maria bob", set()),
        ("lindqvist ri", {"ann"}),
        ("lindqvist zz", set()),
        ("lukasz", {"bob"}),
        ("Łukasz Żół", {"bob"}),
        ("zolc", {"bob"}),
        ("zółć", {"bob"}),
        ("@example.com", {"ann", "bob", "cyd"}),
        ("+351211", {"ann"}),
        ("王小明", {"cyd"}),
        ("小", set()),
        ("王", {"cyd"}),
        ("👩‍🚀", set()),
        ("👩‍🚀x", {"cyd"}),
        ("an", {"ann"}),
        ("a", {"ann"}),
        ("li", {"ann"}),
        ("q", set()),
        ("nobody", set()),
        ("Ann\u200ba", set()),
        ("lindq\u200bvist", {"ann"}),
        ("\ufefflindqvist", {"ann"}),
    ],
)
def test_people_are_found_by_what_is_typed(q, names):
    make_user(username="ann", first_name="María", last_name="Lindqvist", phone="+351211234567")
    make_user(username="bob", first_name="Łukasz", last_name="Żółć")
    make_user(username="cyd", first_name="👩‍🚀x", last_name="王小明")
    assert {account.username for account in found(q)} == names


@pytest.mark.parametrize(
    "name",
    [
        "100% right",
        "under_score",
        "back\\slash",
        "it's",
        'the "best"',
        "a*b*c",
        "(x) AND (y)",
        "NEAR/2",
        "^caret",
        "{a b}: c",
        "-minus",
        "semi;colon--",
        "%%%",
        "___",
        "\\\\\\",
    ],
)
def test_no_character_means_anything_but_itself(name):
    account = make_user(first_name=name)
    make_user(first_name="100x sure underxscore backxslash axbxc xxx")
    for word in name.replace('"', " ").replace(":", " ").split():
        if len(normalise_search_text(word)) >= TRIGRAM_LENGTH:
            assert found(word) == {account}, word


@pytest.mark.parametrize("q", ['"', '""', '"""', '" "', "\u0301", "\u200b", "\ufeff \u0301"])
def test_nothing_that_can_be_seen_finds_nobody(q):
    make_user()
    assert found(q) == set()


@pytest.mark.parametrize(
    "q",
    [
        "a\x00b",
        "\x00",
        "\x00\x00\x00abc",
        "AND",
        "OR NOT",
        "NEAR(a b)",
        "* * *",
        "ab*",
        "rowid:1",
        "search_key:ann",
        "' OR 1=1 --",
    ],
)
def test_no_term_is_an_error(q):
    make_user()
    assert isinstance(found(q), set)


def test_a_term_does_not_match_across_two_fields():
    make_user(username="abc", email="def@example.com", first_name="ghi", last_name="jkl")
    assert found("bcdef") == found("comghi") == set()
    assert len(found('"ghi jkl"')) == len(found('"jkl ghi"')) == 1


def test_a_name_that_changes_is_found_by_the_new_one_alone():
    account = make_user(first_name="Wilhelmina")
    account.first_name = "Esmeralda"
    account.save(update_fields=["first_name"])
    assert (found("wilhelmina"), found("esmeralda")) == (set(), {account})


# --- whole identifiers ----------------------------------------------------------------------------


def test_an_id_an_address_and_a_uuid_name_one_account_alone():
    uuid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    account = make_user(username="ann", source="hr", source_id=uuid)
    for q in (str(account.pk), "ann@example.com", "ANN@Example.com", uuid, uuid.upper()):
        named, alone = exact_match(q)
        assert (User.objects.get(named), alone) == (account, True)


def test_a_username_names_an_account_but_not_alone():
    account = make_user(username="straße")
    named, alone = exact_match("STRASSE")
    assert (User.objects.get(named), alone) == (account, False)


@pytest.mark.parametrize(
    "q", ["0", "9" * 19, "9" * 200, str(2**63), "٣", "-1", "@", "@@", "a b@c", "", "²"]
)
def test_what_is_no_identifier_is_no_error(q):
    named, _ = exact_match(q)
    assert named is None or not User.objects.filter(named).exists()


# --- anything -------------------------------------------------------------------------------------

TRICKY = (
    "aAbB àÀßſıİ K\u0301\u0308\u0345ſΣςσǅŒœﬁ李王"
    "😀👩\u200d🚀\U0010fffe\ufffe\uffff_%\\'*-+().,;#^~ꭰᏸ\u1e9eᾳ"
)
NAMES = st.text(
    st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs", "Cc"]), max_size=12
)


@given(st.lists(NAMES, min_size=1, max_size=5), st.data())
@settings(max_examples=100)
@example(["ab\ufffec", "", "ab\uffffc", ""], None)
@example(["0,", "0"], None)
def test_the_index_finds_what_a_plain_scan_finds(names, data):
    with transaction.atomic():
        accounts = [
            User(username=f"u{n}", first_name=name, last_name=names[n - 1])
            for n, name in enumerate(names)
        ]
        for account in accounts:
            account.derive()
        User.objects.bulk_create(accounts)
        for q in terms(names, data):
            assert found(q) == scanned(q), q
        transaction.set_rollback(True)


def terms(names: list[str], data) -> list[str]:
    """Names, parts of names and anything else, without what the box has its own meaning for."""
    if data is None:
        return list(filter(None, names))
    part = data.draw(st.sampled_from(names))
    start = data.draw(st.integers(0, max(len(part) - 1, 0)))
    drawn = [part, part[start:], part[start : start + 3], part[start:].swapcase(), data.draw(NAMES)]
    return [term for term in drawn if term.strip() and '"' not in term and ":" not in term]
