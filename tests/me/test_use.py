"""GET /me/use/"""

import pytest

from tests.answers import assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user, make_users
from tests.meter.limits import is_sent_to_sudo, set_budgets
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
PATH = "/me/use/"


def test_staff_see_their_own_hour_and_why_they_were_asked(client, settings):
    set_budgets(settings, openings=2)
    agent = make_user("Support")
    client.force_login(agent)
    assert read(client.get("/me/")).one("a", href=PATH)
    answers = [client.get(f"/users/{account.pk}/") for account in make_users(3)]
    assert is_sent_to_sudo(answers[2])
    page = read(client.get(PATH))
    assert [bar.attributes["value"] for bar in page.all("meter")] == ["0", "2", "0", "0"]
    assert (
        "Accounts opened: 2, limit 2 (budget). Identity confirmation requested at"
        in page.one("main").text
    )


def test_others_have_no_link(client):
    client.force_login(make_user())
    assert not read(client.get("/me/")).all("a", href=PATH)
    assert client.get(PATH).status_code == 200


def test_the_ladder(client):
    assert_sent_to_sign_in(client, PATH)
    client.force_login(make_user("Support"))
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
