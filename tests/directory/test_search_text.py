"""What people paste into the search box finds the account that they mean."""

import pytest

from tests.builders import make_user
from users.directory.search import Search
from users.directory.search_text import clean_search_text
from users.models import User
from users.sessions.models import SignInEvent


def usernames(q: str) -> set[str]:
    """The accounts that the search index and the conditions of each row find alike."""
    search = Search.parse(q)
    found = set(search.apply(User.objects.all()))
    assert set(User.objects.filter(*search.conditions())) == found
    return {account.username for account in found}


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("#5821", "5821"),
        ("5821", "5821"),
        ("<ann@example.com>", "ann@example.com"),
        ("Ann Berg <ann@example.com>", "ann@example.com"),
        ("< mailto:ann@example.com >", "ann@example.com"),
        ("mailto:ann@example.com?subject=Hi%20there", "ann@example.com"),
        ("MAILTO:ann@example.com", "ann@example.com"),
        ("ann@example.com;", "ann@example.com"),
        ("(ann@example.com).", "ann@example.com"),
        ("o'neil@example.com,", "o'neil@example.com"),
        ("Berg, Ann", "Berg Ann"),
        ("Berg,Ann", "Berg Ann"),
        ("Berg,", "Berg"),
        ('"Berg, Ann"', '"Berg, Ann"'),
        ("+49 (0) 151 / 234-567", "49151234567"),
        ("(0151) 555-010 77", "15155501077"),
        ("0151-555-010-77", "15155501077"),
        ("0151/55501077", "15155501077"),
        ("0151 555\u2013010", "151555010"),
        ("0049 151 234567", "49151234567"),
        ("+351211234567", "351211234567"),
        ("212-555-0100", "2125550100"),
        ("0151555", "0151555"),
        ("2026-03-31", "2026-03-31"),
        ("31.03.2026", "31.03.2026"),
        ("192.0.2.7", "192.0.2.7"),
        ("12-34", "12-34"),
        ("room 12", "room 12"),
        ("name:berg", "name:berg"),
        ("1,5", "1,5"),
        ("", ""),
    ],
)
def test_text_becomes_what_is_searched(typed, text):
    assert clean_search_text(typed) == text
    assert clean_search_text(f"  {typed} ") == text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "q",
    [
        "0151 555-010",
        "(0151) 555-010 77",
        "0151-555-010-77",
        "0151/55501077",
        "0151 55501077",
        "015155501077",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(q):
    make_user(username="national", phone="015155501077")
    make_user(username="other", phone="+4915155501099")
    assert usernames(q) == {"national"} if q != "0151 555-010" else {"national", "other"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "q",
    [
        "+49 (0) 151 / 234-567",
        "+49151234567",
        "0151 234 567",
        "0151234567",
        "0049151234567",
        "ann 0151234567",
    ],
)
def test_a_number_with_its_country_is_found_with_and_without_it(q):
    make_user(username="ann", phone="+49151234567")
    make_user(username="bob", phone="+49151234999")
    assert usernames(q) == {"ann"}


@pytest.mark.django_db
@pytest.mark.parametrize("q", ["0007", "0001234567", "000123x"])
def test_a_username_that_begins_with_zeros_is_found_by_them(q):
    make_user(username=q)
    make_user(username="other", phone="1234560")
    assert usernames(q) == {q}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "stored", ["O\u2019Brien", "O'Brien", "O\u02bcBrien", "O\u00b4Brien", "O`Brien"]
)
@pytest.mark.parametrize(
    "typed", ["o'brien", "O\u2019BRIEN", "o\u2018brien", "o`brien", "o\u00b4brien"]
)
def test_every_apostrophe_is_the_one_of_the_keyboard(stored, typed):
    make_user(username="ann", last_name=stored)
    make_user(username="bob", last_name="Obrien")
    assert usernames(typed) == {"ann"}


@pytest.mark.django_db
@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u2011", "\u2013", "\u2212"])
def test_every_hyphen_is_the_one_of_the_keyboard(hyphen):
    make_user(username="ann", last_name=f"Meier{hyphen}Schulz")
    make_user(username="bob", last_name="Meier\u00a0Schulz")
    assert usernames("meier-schulz") == usernames(f"meier{hyphen}schulz") == {"ann"}
    assert usernames('"meier schulz"') == usernames("meier\u2009schulz") - {"ann"} == {"bob"}


@pytest.mark.django_db
@pytest.mark.parametrize("q", ["Berg, Ann", "Ann Berg", "berg,ann", "berg,ann lee", "Berg Ann,"])
def test_a_name_is_found_with_the_comma_of_a_list(q):
    make_user(username="ann", first_name="Ann", last_name="Berg")
    assert usernames(q) == ({"ann"} if "lee" not in q else set())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed", ["#{}", "{}", "id:{}", "<{}@example.com>", "mailto:{}@example.com"]
)
def test_pasted_text_finds_the_one_account(client, typed):
    client.force_login(make_user("Support"))
    account = make_user()
    account.email = f"{account.pk}@example.com"
    account.save()
    page = client.get("/users/", {"q": typed.format(account.pk)}).content.decode()
    assert f'href="/users/{account.pk}/"' in page
    assert page.count('href="/users/') - page.count('href="/users/?') >= 1


@pytest.mark.django_db
@pytest.mark.parametrize("ip", ["192.0.2.7", "2001:db8::7"])
def test_an_ip_address_finds_who_signed_in_from_there_and_nobody_else(client, ip):
    client.force_login(make_user("Support"))
    ann, bob, cyd = (make_user(username=name) for name in ("ann", "bob", "cyd"))
    SignInEvent.objects.create(account_id=ann.pk, outcome="ok", ip=ip)
    SignInEvent.objects.create(account_id=bob.pk, outcome="wrong-password", ip=ip)
    SignInEvent.objects.create(account_id=cyd.pk, outcome="ok", ip="192.0.2.8")
    page = client.get("/users/", {"q": ip}).content.decode()
    assert f'href="/users/{ann.pk}/"' in page
    assert f'href="/users/{bob.pk}/"' not in page
    assert f'href="/users/{cyd.pk}/"' not in page


@pytest.mark.django_db
def test_the_list_of_an_ip_address_is_never_an_old_one(client):
    client.force_login(make_user("Support"))
    ann, bob = make_user(username="ann"), make_user(username="bob")
    SignInEvent.objects.create(account_id=ann.pk, outcome="ok", ip="192.0.2.7")
    assert f"/users/{bob.pk}/" not in client.get("/users/?ip=192.0.2.7").content.decode()
    SignInEvent.objects.create(account_id=bob.pk, outcome="ok", ip="192.0.2.7")
    assert f"/users/{bob.pk}/" in client.get("/users/?ip=192.0.2.7").content.decode()
