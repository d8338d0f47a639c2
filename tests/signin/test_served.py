"""Sessions and states as two real web processes see them while no worker runs: what one remembers
ends nothing late.
"""

from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.processes import running, until
from tests.servers import free_port
from tests.site.test_procfile import PROCFILE
from tests.visitor import Visitor
from users.models import User
from users.sessions.models import Session, SignInEvent
from users.verbs.session_end.verb import end_session, end_sessions
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db(transaction=True)

OFTEN = 12  # requests, so that both processes get some


@pytest.fixture
def port(tmp_path) -> Iterator[str]:
    port = str(free_port())
    here = {
        "HOST": "127.0.0.1",
        "PORT": port,
        "WEB_CONCURRENCY": "2",
        "DEBUG": "1",
        "STATEMENT_TIMEOUT_MS": "60000",
    }
    with running(f"exec {PROCFILE['web']}", tmp_path, **here) as web:
        until(lambda: web.process.poll() is not None or Visitor(port, "localhost").answers())
        yield port


def make_person(**fields) -> User:
    """Whose password the site's own settings can check."""
    person = make_user("Viewer", **fields)
    User.objects.filter(pk=person.pk).update(
        password=PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", 1000)
    )
    return person


def held(visitor: Visitor) -> SimpleCookie:
    """The cookies as they are now: a browser that is sent away loses them, a thief does not."""
    return SimpleCookie({name: item.value for name, item in visitor.cookies.items()})


def answers(visitor: Visitor, cookies: SimpleCookie, **headers: str) -> set[tuple[int, str]]:
    """Status and where to, of many requests."""
    found = set()
    visitor.headers = visitor.headers | headers
    for _ in range(OFTEN):
        visitor.cookies = SimpleCookie({name: item.value for name, item in cookies.items()})
        response, _text = visitor.ask("/users/")
        found.add(
            (
                response.status,
                response.headers.get("Location") or response.headers.get("HX-Redirect") or "",
            )
        )
    return found


def test_sessions_end_at_their_next_request_and_suspensions_at_their_time(port):
    ada = make_person(username="ada")
    root = make_superuser()
    visitors = [Visitor(port, "localhost") for _ in range(3)]
    for visitor in visitors:
        assert visitor.sign_in("ada", PASSWORD)[0].headers["Location"] == "/users/"
    one, poll, other = visitors
    cookies = [held(visitor) for visitor in visitors]
    assert [answers(*pair) for pair in zip(visitors, cookies, strict=True)] == [{(200, "")}] * 3
    keys = [jar["session"].value for jar in cookies]
    for key in keys[:2]:
        end_session(ada, Session.objects.get(pk=key).public_id, by=root)
    assert answers(one, cookies[0]) == {(302, "/login/?next=%2Fusers%2F")}
    assert answers(poll, cookies[1], **{"HX-Request": "true"}) == {(401, "/login/")}
    assert answers(other, cookies[2]) == {(200, "")}
    end_sessions(ada, by=root)
    assert answers(other, cookies[2]) == {(302, "/login/?next=%2Fusers%2F")}

    noon = timezone.now() + timedelta(seconds=5)
    suspend_account(ada, by=root, reason="Until noon", until=noon)
    was_refused = (
        Visitor(port, "localhost").sign_in("ada", PASSWORD)[0].headers["Location"] == "/inactive/"
    )
    assert was_refused or timezone.now() >= noon  # where a slow machine has shown nothing here
    until(lambda: timezone.now() >= noon)
    let_in = Visitor(port, "localhost").sign_in("ada", PASSWORD)[0]
    assert let_in.headers["Location"] == "/users/"
    outcomes = list(
        SignInEvent.objects.filter(account_id=ada.pk)
        .order_by("id")
        .values_list("outcome", flat=True)
    )
    assert outcomes == ["ok"] * 3 + (["suspended"] if was_refused else ["ok"]) + ["ok"]
    assert User.objects.get(pk=ada.pk).status == "suspended"  # nobody has swept it up
