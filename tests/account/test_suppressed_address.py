"""A suppressed address on the account: the notice of the tab Emails, and the login doctor."""

import pytest

from tests.builders import make_superuser, make_user
from tests.pages import read
from users.mail.models import Suppression
from users.mail.suppressions import suppress_address

pytestmark = pytest.mark.django_db
Source = Suppression.Source


def notices(client, account, role: str) -> list:
    client.force_login(make_user(role))
    page = read(client.get(f"/users/{account.pk}/mail/"))
    return page.all("p", class_="note warning")


def test_everybody_is_told_and_those_who_may_lift_it(client):
    account = make_user(email="ada@example.org")
    suppress_address("ADA@example.org", Source.COMPLAINT, "Reported by the provider.")
    path = f"/mail/suppressions/{Suppression.objects.get().pk}/end/"
    for role, may_lift in (("Viewer", 0), ("Support", 0), ("Manager", 1)):
        [notice] = notices(client, account, role)
        assert "no announcements and no emails from staff: reported as spam on" in notice.text
        assert "Reported by the provider." in notice.text
        assert len(notice.all("a", href=path)) == may_lift
    assert notices(client, make_user(), "Manager") == []
    assert notices(client, make_user(email=""), "Manager") == []
    root = make_superuser()
    suppress_address(root.email, Source.INVALID)
    [notice] = notices(client, root, "Manager")
    assert not notice.all("a")


@pytest.mark.parametrize("role", ["Viewer", "Manager"])
def test_the_doctor_says_that_no_reset_arrives_and_how_to_mend_it(client, role):
    account = make_user(email="ada@example.org")
    client.force_login(make_user(role))
    path = f"/users/{account.pk}/doctor/"
    says = "No emails are sent to this address, not even password resets."
    suppress_address(account.email, Source.COMPLAINT)
    assert says not in read(client.get(path)).one("main").text
    suppress_address(account.email, Source.INVALID)
    page = read(client.get(path)).one("main")
    assert says in page.text
    assert "lift the suppression" in page.text
    assert len(page.all("a", href=f"/users/{account.pk}/edit/")) >= (role == "Manager")
    # The address has been corrected since.
    account.email = "right@example.org"
    account.save()
    assert says not in read(client.get(path)).one("main").text
