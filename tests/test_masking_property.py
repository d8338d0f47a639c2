"""What is masked for a viewer stands nowhere and is found only whole, whoever the viewer and
whatever the account: a property of every page, partial, file, cursor, header and message.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from functools import wraps
from html import unescape
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import make_user
from tests.bulk.export_files import exported
from tests.masked_viewers import PART
from tests.pages import read
from users.contact_data import MAYBE_MASKED, mask_text
from users.directory.query.cursors import account_cursor
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def rolled_back(test: Callable) -> Callable:
    """Runs each example in a transaction that leaves nothing behind."""

    @wraps(test)
    def run(**drawn) -> None:
        with transaction.atomic():
            test(**drawn)
            transaction.set_rollback(True)

    return run


LETTERS = st.text("bcdfghjklmnpqrstvwxz", min_size=7, max_size=9)
DIGITS = st.text("123456789", min_size=10, max_size=10)
TABS = ("", "activity/", "history/", "access/", "doctor/", "sign-ins/", "mail/", "notes/")
LISTS = (
    "/users/",
    "/users/?sort=name",
    "/users/?sort=-name",
    "/users/?sort=seen&role=&status=active",
    "/audit/",
    "/jobs/",
    "/users/count/?q=a",
    "/users/filters/",
    "/users/views/",
)
# An example takes dozens of requests, so a failing one is not made smaller.
FEW = settings(
    phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck), deadline=None
)
PHONES = (("+43", ""), ("43", ""), ("0", ""), ("+43.", "."), ("0", "/"), ("43 ", " "))
ADDRESSES = ("{}@leak.example", "{} (at) leak.example", "{}＠leak.example")
NEVER_VIEWED = ("view_personal",)


def make_secretive(draw, letters: str, digits: str) -> User:
    """Returns an account with an address and a number in random places."""
    start, separator = draw(st.sampled_from(PHONES))
    phone = f"{start}{digits[:3]}{separator}{digits[3:]}"
    address = draw(st.sampled_from(ADDRESSES)).format(letters)
    places = draw(st.lists(st.sampled_from([address, phone, "Ada"]), min_size=2, max_size=2))
    account = make_user(
        username=draw(st.sampled_from([f"+43{digits}", f"43{digits}", f"{letters}@leak.example"])),
        email=f"{letters}@mail.example",
        first_name=places[0],
        last_name=places[1],
        phone=f"+43{digits}",
        attributes={"office": f"{letters} 7", "note": f"call {phone}", "of": [address, digits]},
    )
    if draw(st.booleans()):
        User.objects.filter(pk=account.pk).update(status="suspended", status_reason=f"ask {phone}")
    return account


def make_viewer(draw) -> User:
    """Returns staff with random permissions, without the one to see personal data."""
    viewer = make_user(draw(st.sampled_from(["Viewer", ""])), is_staff=True)
    known = Permission.objects.filter(content_type__app_label="users").order_by("pk")
    allowed = [each for each in known if each.codename not in NEVER_VIEWED]
    viewer.user_permissions.set(draw(st.lists(st.sampled_from(allowed), unique=True)))
    viewer.user_permissions.add(*known.filter(codename="view_user"))
    return viewer


def told(text: str, letters: str, digits: str) -> bool:
    """Whether a text has the local part or the number, encoded and separated however."""
    plain = unescape(unquote(text)).replace("<wbr>", "")
    for coded in re.findall(r"[A-Za-z0-9_-]{16,}", plain):
        whole = coded[: len(coded) - (len(coded) % 4 == 1)]
        plain += urlsafe_b64decode(whole + "=" * (-len(whole) % 4)).decode(errors="replace")
    return letters in plain.lower() or digits in re.sub(r"[ ()./+-]", "", plain)


def answer_text(response) -> str:
    content = b"".join(response) if response.streaming else response.content
    cookies = " ".join(morsel.value for morsel in response.cookies.values())
    return content.decode(errors="replace") + repr(response.headers) + cookies


@given(letters=LETTERS, digits=DIGITS, data=st.data())
@settings(FEW, max_examples=8)
@rolled_back
def test_nothing_that_is_sent_tells_what_is_masked(letters, digits, data):
    account = make_secretive(data.draw, letters, digits)
    client = Client()
    client.force_login(make_viewer(data.draw))
    addresses = [*LISTS, *(f"/users/{account.pk}/{tab}" for tab in TABS)]
    addresses += [f"/users/{account.pk}/{verb}/" for verb in ("suspension", "deletion", "letter")]
    addresses += [f"/users/selection/?ids={account.pk}", "/users/selection/?all=1"]
    for address in addresses:
        for headers in ({}, PART):
            response = client.get(address, headers=headers)
            assert response.status_code < 500, address
            assert not told(answer_text(response), letters, digits), (address, headers)
    response = client.post(
        f"/users/{account.pk}/suspension/", {"version": account.version, "reason": "Because"}
    )
    assert not told(answer_text(response), letters, digits)
    for sort in ("name", "-name", "joined", "seen"):
        assert not told(account_cursor(sort, account), letters, digits)


@given(letters=LETTERS, digits=DIGITS, data=st.data())
@settings(FEW, max_examples=8)
@rolled_back
def test_it_is_found_whole_and_never_by_a_part(letters, digits, data):
    account = make_secretive(data.draw, letters, digits)
    client = Client()
    client.force_login(make_viewer(data.draw))
    start = data.draw(st.integers(0, 3))
    length = data.draw(st.integers(3, 6))  # two digits of a number are shown
    parts = [letters[start : start + length], digits[start : start + length], letters, digits]
    for part in (*parts, f"43{digits}"[:-1], f"+43{digits}"[:-2], f"{letters}@leak"):
        for q in (part, f"username:{part}", f"name:{part}", f"email:{part}", f"ada {part}"):
            assert account.pk not in found_ids(client, q), q
    for whole in (account.username, account.email, account.phone):
        assert account.pk in found_ids(client, whole), whole


def found_ids(client: Client, q: str) -> set[int]:
    response = client.get("/users/", {"q": q})
    assert response.status_code == 200
    links = [link for body in read(response).all("tbody") for link in body.all("a")]
    return {int(link.attributes["href"].split("/")[2]) for link in links}


@given(letters=LETTERS, digits=DIGITS, data=st.data())
@settings(FEW, max_examples=4)
@rolled_back
def test_no_exported_file_tells_it(letters, digits, data):
    account = make_secretive(data.draw, letters, digits)
    viewer = make_viewer(data.draw)
    codenames = ("export_user", "view_user")
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    columns = ["username", "name", "email", "phone", "source_id"]
    form = data.draw(st.sampled_from(["csv", "jsonl"]))
    text = exported([account], viewer, columns, form)
    assert "••••" in text
    assert not told(text, letters, digits)


@given(st.text(st.sampled_from("ab1290 .-+/()@:•at%4＠"), max_size=30))
@settings(max_examples=300)
def test_whatever_is_masked_in_a_text_is_never_searched_by_parts(text):
    assert mask_text(text) == text or re.search(MAYBE_MASKED, text)
