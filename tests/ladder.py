"""Checks that the pages of all verbs share: wrong role, signed out, bad id, wrong method, bad
version.
"""

from typing import Any

from django.test import Client

from tests.account_rows import row
from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form
from users.audit.models import AuditEvent
from users.models import User


def climb(
    client: Client,
    path: str,
    action: str,
    permission: str,
    sent: dict[str, Any],
    *,
    without: str,
    **fields: Any,
) -> None:
    """Runs all checks on `path`, which has {} for the id.

    `sent` are the values of a valid form, `without` is a role that lacks the permission, and
    `fields` are those of an account to which the verb applies.
    """
    account = make_user(**fields)
    before = row(account)
    address = path.format(account.pk)
    assert_sent_to_sign_in(client, address)
    outsider = make_user()
    agent = make_user(without)
    root = make_superuser()
    client.force_login(outsider)
    assert_denied(client.post(address, sent), "", actor=outsider, action="enter")
    client.force_login(agent)
    for answer in (client.get(address), client.post(address, {"version": 1} | sent)):
        assert_denied(answer, permission, actor=agent, target=account, action=action)
    client.force_login(root)
    assert_not_found(client, path)
    assert_wrong_method(client, address, allowed="GET, HEAD, POST")
    assert_bad_versions_are_named(client, address, sent)
    assert row(account) == before
    assert_stale_is_asked_about(client, account, address, sent)


def assert_bad_versions_are_named(client: Client, address: str, sent: dict[str, Any]) -> None:
    for version in ("", "abc", "0", str(2**31)):
        response = client.post(address, sent | {"version": version})
        assert response.status_code == 422
        assert any("Reload the page" in error for error in errors_of(response)), errors_of(response)


def assert_stale_is_asked_about(
    client: Client, account: User, address: str, sent: dict[str, Any]
) -> None:
    """Checks that an outdated version gives a 409 with the typed values, and then saves them."""
    User.objects.filter(pk=account.pk).update(version=2, locale="pt")
    events = AuditEvent.objects.count()
    response = client.post(address, {"version": 1} | sent)
    assert response.status_code == 409
    again = form(response, address)
    assert again["version"] == "2"
    assert again.items() >= sent.items()
    assert AuditEvent.objects.count() == events
    assert client.post(address, again).status_code == 302
    assert AuditEvent.objects.count() == events + 1
