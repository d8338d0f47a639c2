"""The server ends its connections, as at a restart or a failover: the next request of each thread
succeeds, whatever it asks for.
"""

import gc
import socket
from collections.abc import Callable, Iterator

import pytest
from psycopg.errors import ConnectionTimeout

from tests.builders import make_superuser, make_user
from tests.database.outage import end_connections, signed_in, token, web_process
from tests.proxies import has_left
from tests.visitor import Visitor
from users.database.postgresql.answers import BoundedConnection
from users.models import User
from users.notes.models import Note

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
PAGES = [
    "/users/",
    "/users/?q={word}",
    "/users/?q=zz{word}",
    "/users/?status=suspended&sort=seen",
    "/users/count/?q={word}",
    "/users/filters/",
    "/users/columns/",
    "/users/views/",
    "/users/doctor/",
    "/users/{pk}/",
    "/users/{pk}/sign-ins/",
    "/users/{pk}/doctor/",
    "/users/{pk}/access/",
    "/users/{pk}/mail/",
    "/users/{pk}/history/",
    "/users/{pk}/activity/",
    "/users/{pk}/notes/",
    "/users/{pk}/edit/",
    "/users/{pk}/suspension/",
    "/users/bulk/suspension/?all=1&status=active",
    "/audit/",
    "/jobs/",
    "/jobs/running/",
    "/exports/",
    "/status/",
    "/me/",
    "/me/sessions/",
    "/login/",
    "/readyz",
]


@pytest.fixture(scope="module")
def port(tmp_path_factory, django_db_setup) -> Iterator[str]:
    """One thread, which has a connection from the first request on."""
    folder = tmp_path_factory.mktemp("web")
    with web_process(folder, threads=1, STATEMENT_TIMEOUT_MS="60000") as (_, port):
        yield port


@pytest.fixture
def someone() -> User:
    return make_user(first_name="Ada", last_name="Lovelace")


def answer_after_loss(ask: Callable[[], int]) -> int:
    assert end_connections() >= 1, "no connection was lost"
    return ask()


def test_each_page_comes(port, someone):
    visitor = signed_in(port, make_superuser())
    statuses = {}
    for number, path in enumerate(PAGES):
        assert visitor.ask("/me/")[0].status == 200
        here = path.format(pk=someone.pk, word=f"love{number}")
        statuses[here] = answer_after_loss(lambda here=here: visitor.ask(here)[0].status)
    wrong = {path: status for path, status in statuses.items() if status not in (200, 302)}
    assert wrong == {}


def test_each_form_is_stored(port, someone):
    visitor = signed_in(port, make_superuser())
    post(visitor, f"/users/{someone.pk}/notes/", {"text": "Called twice"})
    assert Note.objects.get().text == "Called twice"
    here = f"/users/{someone.pk}/suspension/"
    post(visitor, here, {"reason": "Contract ended", "version": str(fresh(someone).version)})
    assert fresh(someone).status == "suspended"


def test_someone_signs_in(port):
    visitor = Visitor(port, "localhost")
    form = token(visitor.ask("/login/")[1])
    fields = {"login": "nobody", "password": "wrong", "csrfmiddlewaretoken": form}
    assert visitor.ask("/login/", fields)[0].status == 422
    assert answer_after_loss(lambda: visitor.ask("/login/", fields)[0].status) == 422


def test_a_connection_that_is_not_answered_in_time_is_closed_at_once():
    """A server that is back would otherwise have it beside the next one."""
    gc.disable()
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(ConnectionTimeout):
                BoundedConnection.connect(host="127.0.0.1", port=port, connect_timeout=2)
            client, _ = silent.accept()
            with client:
                assert has_left(client)
    finally:
        gc.enable()


def post(visitor: Visitor, path: str, fields: dict[str, str]) -> None:
    form = token(visitor.ask(path)[1])
    fields = fields | {"csrfmiddlewaretoken": form}
    assert answer_after_loss(lambda: visitor.ask(path, fields)[0].status) == 302


def fresh(account: User) -> User:
    return User.objects.get(pk=account.pk)
