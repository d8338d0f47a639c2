"""The tabs on the pages of one's own account."""

import pytest

from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from tests.tokens.builders import make_service, make_token
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
TABS = {
    "/me/": "Profile",
    "/me/sessions/": "Sessions",
    "/me/second-factor/": "Second factor",
    "/me/password/": "Password",
    "/me/tokens/": "API tokens",
    "/me/use/": "Data use",
}


def shown_tabs(client, path: str) -> dict[str, str]:
    """Returns the labels of the tabs on the page by URL, and checks which one is current."""
    page = read(client.get(path))
    found = {}
    for nav in page.all("nav", class_="tabs"):
        for link in nav.all("a"):
            found[link.attributes["href"]] = link.text
            is_current = link.attributes.get("aria-current") == "page"
            assert is_current == (link.attributes["href"] == path)
    return found


def test_each_page_has_the_tabs_and_marks_its_own(client):
    client.force_login(make_superuser(password=PASSWORD))
    for path in TABS:
        assert shown_tabs(client, path) == TABS, path


def test_people_who_are_no_staff_have_those_that_they_may_open(client):
    client.force_login(make_user(password=PASSWORD))
    assert list(shown_tabs(client, "/me/password/")) == list(TABS)[:4]


def test_who_may_create_no_tokens_still_finds_those_of_a_service_account(client):
    owner = make_user("Support")
    make_token(make_service(owner=owner), by=make_superuser())
    client.force_login(owner)
    assert "/me/tokens/" not in shown_tabs(client, "/me/")
    assert "/me/tokens/" in shown_tabs(client, "/me/tokens/")


def test_nothing_leads_away_from_what_must_be_done_first(client, settings):
    ada = make_user("Support", password=PASSWORD, must_change_password=True)
    client.force_login(ada)
    assert shown_tabs(client, "/me/password/") == {}
    User.objects.filter(pk=ada.pk).update(must_change_password=False)
    settings.SECOND_FACTOR_REQUIRED = "staff"
    settings.SECOND_FACTOR_GRACE_DAYS = 0
    assert shown_tabs(client, "/me/second-factor/") == {}
