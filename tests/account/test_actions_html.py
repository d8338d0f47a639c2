"""The links to the verbs: those that fit the account and the viewer, in their places."""

import pytest

from users.access import PERMISSIONS
from users.account.actions import BUTTONS, LAST_SECTION, MENU
from users.account.actions_html import render_actions
from users.models import State, User

pytestmark = pytest.mark.django_db
EVERYTHING = dict.fromkeys(PERMISSIONS, True)


def account(status: str) -> User:
    return User(pk=7, username="ann", email="ann@example.com", status=status, password="x")


def test_who_may_do_nothing_is_offered_nothing():
    assert "<a" not in render_actions(account(State.ACTIVE), {})
    assert "menu" not in render_actions(account(State.ACTIVE), {})


@pytest.mark.parametrize("status", State)
def test_each_offer_that_fits_is_linked_once_and_no_other(status):
    one = account(status)
    html = render_actions(one, EVERYTHING)
    fitting = [
        offer
        for offer in (*BUTTONS, *sum(MENU.values(), ()), *LAST_SECTION)
        if offer.fits(one, EVERYTHING)
    ]
    assert html.count("<a") == len(fitting)
    for offer in fitting:
        reason = offer.obstacle(one)
        assert (f'href="/users/7/{offer.verb.path}"' in html) != bool(reason)
        small = f"<small>{reason}</small>" if reason else ""
        assert f"</svg> {offer.label}{small}</a>" in html


def test_what_is_hard_to_take_back_stands_apart():
    html = render_actions(account(State.ACTIVE), EVERYTHING)
    assert html.count('<a class="dangerous"') == 2
    assert '<a class="button" href="/users/7/edit/" data-key="e">' in html
    assert (
        html.index('class="menu-sheet"') < html.index("Sign-in") < html.index('class="dangerous"')
    )
