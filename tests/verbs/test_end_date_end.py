"""GET and POST /users/<id>/end-date/end/"""

from datetime import UTC, datetime

import pytest

from tests.account_rows import events
from tests.answers import errors_of
from tests.builders import make_user
from tests.ladder import climb
from tests.pages import form, read

pytestmark = pytest.mark.django_db
OVER = datetime(2020, 1, 31, tzinfo=UTC)


def path(account) -> str:
    return f"/users/{account.pk}/end-date/end/"


def test_an_account_that_has_ended_goes_on_without_an_end(client):
    client.force_login(make_user("Manager"))
    ada = make_user(valid_until=OVER)
    assert ada.state == "ended"
    response = client.post(
        path(ada), form(client.get(path(ada)), path(ada)) | {"reason": "New contract"}, follow=True
    )
    assert "End date cleared." in read(response).one("p", class_="note success").text
    ada.refresh_from_db()
    assert (ada.valid_until, ada.state) == (None, "active")
    [event] = events(ada)
    assert (event.action, event.reason, event.before) == (
        "account.end_date_cleared",
        "New contract",
        {"valid_until": "2020-01-31T00:00:00Z"},
    )


def test_where_there_is_no_end_nothing_is_cleared(client):
    client.force_login(make_user("Manager"))
    response = client.post(path(make_user()), {"version": 1})
    assert response.status_code == 409
    assert "This account has no end date." in errors_of(response)


def test_the_ladder(client):
    climb(
        client,
        "/users/{}/end-date/end/",
        "set_end_date",
        "users.set_end_date",
        {"reason": "x"},
        without="Support",
        valid_until=OVER,
    )
