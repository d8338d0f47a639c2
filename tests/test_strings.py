"""The big list of naughty strings as first name, last name and search term, through HTTP."""

import json
import re
import unicodedata

import pytest

from tests.answers import errors_of
from tests.builders import make_user
from tests.meter.limits import set_budgets
from tests.pages import form, read
from users.identifiers import NAME_MAX, normalise_search_text
from users.models import User
from users.typed_text import isolate_text

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def strings(samples) -> list[str]:
    return json.loads((samples / "blns.json").read_text())


@pytest.fixture
def ada(client):
    client.force_login(make_user("Support"))
    return make_user(username="ada")


def make_many(count: int) -> list[User]:
    accounts = [User(username=f"person.{number}") for number in range(count)]
    for account in accounts:
        account.derive()
    return User.objects.bulk_create(accounts)


def stored(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def visible(text: str) -> bool:
    """Whether it has a letter, a number or a sign, and not marks, spaces and controls alone."""
    return any(unicodedata.category(char)[0] in "LNPS" for char in text)


def refusable(text: str) -> bool:
    controls = any(unicodedata.category(char) in ("Cc", "Cs") for char in stored(text))
    hidden = re.search("[\u00ad\u034f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufffe]", stored(text))
    return controls or hidden is not None or max(len(text), len(stored(text))) > NAME_MAX


def plain(name: str) -> bool:
    """With a word that is found anywhere; short words alone, numbers and phrases in quotes have
    rules of their own.
    """
    words = normalise_search_text(name).split()
    return bool(words) and max(map(len, words)) > 2 and '"' not in name and not name.isdigit()


def names_shown(client) -> dict[str, str]:
    """The names in the directory by path of the account, from all its pages."""
    address = "/users/?size=100&sort=username"
    names = {}
    while address:
        page = read(client.get(address))
        links = [row.all("a")[0] for row in page.one("tbody").all("tr")]
        names |= {link.attributes["href"]: link.raw_text for link in links}
        address = next((link.attributes["href"] for link in page.all("a", data_page="next")), "")
        assert len(page.all("script")) == 1
    return names


@pytest.mark.postgresql  # as in production
def test_each_is_a_name_that_is_stored_and_shown_as_typed_or_a_clear_form_error(
    client, ada, strings
):
    taken = {}
    for text, account in zip(strings, make_many(len(strings)), strict=True):
        path = f"/users/{account.pk}/edit/"
        same = {
            name: getattr(account, name)
            for name in ("username", "email", "phone", "locale", "time_zone")
        }
        same |= {"version": 1, "accepts_announcements": "no"}
        sent = same | {"first_name": text, "last_name": text}
        response = client.post(path, sent)
        if response.status_code == 302:
            taken[text] = account
            continue
        assert response.status_code == 422, repr(text)
        assert len(errors_of(response)) == 3, repr(
            text
        )  # one for each name, and one that says where to look
        assert form(response, path)["last_name"] == text
    assert set(strings) - set(taken) == {text for text in strings if refusable(text)}
    names = {
        pk: (first, last)
        for pk, first, last in User.objects.values_list("pk", "first_name", "last_name")
    }
    shown = names_shown(client)
    for text, account in taken.items():
        name = stored(text)
        assert names[account.pk] == (name, name)
        full = f"{name} {name}".strip()
        assert shown[f"/users/{account.pk}/"] == (full if visible(full) else account.username)


def test_an_account_with_such_a_name_has_a_page_that_shows_it_as_typed(client, ada):
    for text in (
        '<script>alert("x")</script>',
        "' onmouseover=alert(1)",
        "{{ 7 }}",
        "{% now %}",
        "Ω≈ç&amp;√∫",
        "שלום",
        "\u202etest",  # stored before such characters were refused
    ):
        User.objects.filter(pk=ada.pk).update(first_name=text, last_name="")
        page = read(client.get(f"/users/{ada.pk}/"))
        assert page.one("h1").raw_text == text
        assert page.one("title").text == f"{isolate_text(text)} · Rollcall"
        # The page loads only Rollcall's own scripts.
        scripts = [script.attributes["src"] for script in page.all("script")]
        assert scripts == ["/static/rollcall.js", "/static/presence.js"]


def test_each_is_a_search_that_finds_its_account_or_says_that_it_means_nothing(
    client, ada, strings, settings
):
    # So many searches would ask who is there.
    set_budgets(settings, searches=10_000)
    accounts = make_many(len(strings))
    for text, account in zip(strings, accounts, strict=True):
        account.first_name = "" if refusable(text) else stored(text)
        account.derive()
    User.objects.bulk_update(accounts, ["first_name", "search_key", "name_key"])
    lost = []
    for text, account in zip(strings, accounts, strict=True):
        response = client.get("/users/", {"q": text}, follow=True)
        assert response.status_code in (200, 422), repr(text)
        page = read(response)
        if response.status_code == 422:
            assert page.one(id="q-error").text, repr(text)
            continue
        assert page.one("input", id="q").attributes["value"] == text.strip(), repr(text)
        assert len(page.all("script")) == 1
        while page.all("a", data_page="next") and not page.all("a", href=f"/users/{account.pk}/"):
            page = read(client.get(page.one("a", data_page="next").attributes["href"]))
        if plain(account.first_name) and not page.all("a", href=f"/users/{account.pk}/"):
            lost.append(text)
    assert lost == []


def test_a_nul_byte_is_a_form_error_and_a_bad_search(client, ada):
    sent = {"version": 1, "username": "ada", "first_name": "a\x00b", "last_name": "\x00"}
    response = client.post(f"/users/{ada.pk}/edit/", sent)
    assert response.status_code == 422
    assert [error for error in errors_of(response) if "Null characters" in error]
    assert client.get("/users/?q=a%00b").status_code == 422


@pytest.mark.parametrize("surrogate", ["%ED%A0%80", "%ED%BF%BF", "%ED%A0%BD%ED%B8%80"])
def test_a_lone_surrogate_is_a_form_error_and_a_bad_search(client, ada, surrogate):
    body = f"version=1&username=ada&first_name=x{surrogate}&last_name=y"
    response = client.post(
        f"/users/{ada.pk}/edit/", body, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 422
    assert [error for error in errors_of(response) if "unreadable character" in error]
    ada.refresh_from_db()
    assert ada.first_name == ""
    assert client.get(f"/users/?q=x{surrogate}").status_code == 422
