"""What strangers send to single sign-on, and accounts that nobody signs in to."""

import random
import string

import pytest

from tests.builders import make_superuser, make_user
from tests.oidc.round_trip import outcomes, provider_url, start
from tests.pages import read
from tests.tokens.builders import make_service
from users.exceptions import VerbRefused
from users.jobs.ties import find_ties
from users.oidc.models import OidcLink
from users.sessions.models import Session
from users.staff.links.changes import link_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_stranger_stores_no_long_text_in_a_session(client, provider):
    text = "".join(random.choices(string.ascii_letters, k=100_000))
    provider_url(client.post("/login/oidc/", {"kept": text, "next": f"/users/?q={text}"}))
    assert len(Session.objects.get().session_data) < 10_000


def test_nobody_signs_in_to_a_service_account_and_claims_give_it_no_roles(client, provider):
    service = make_service()
    OidcLink.objects.create(issuer=provider.issuer, subject=provider.subject, account_id=service.pk)
    assert client.get(start(client)).status_code == 403
    assert outcomes() == [("not-linked", "oidc")]


def test_a_service_account_can_not_be_linked(provider):
    with pytest.raises(VerbRefused, match="Nobody signs in to it"):
        link_account(make_service(), by=make_superuser(), subject="abc", reason="Test")


def test_who_linked_a_colleague_is_not_approved_by_their_account(provider):
    root = make_superuser()
    colleague = make_user("Administrator")
    assert find_ties(root, colleague) == []
    link_account(colleague, by=root, subject="abc", reason="Test")
    [tie] = find_ties(root, colleague)
    assert "linked your account to single sign-on" in tie
    [tie] = find_ties(colleague, root)
    assert "You linked" in tie


@pytest.mark.parametrize(
    "subject", ["109876543210987654321", "+4915112345678", "ada@contoso.example"]
)
def test_the_page_about_a_missing_link_shows_the_whole_id(client, provider, subject):
    provider.subject = subject
    page = read(client.get(start(client)))
    assert page.one("code").text == subject
