"""Every verb on an account in the recycle bin, and on one that was erased: a clear refusal, and
nothing happens.
"""

from typing import Any

import pytest
from django.test import Client

from tests.account_rows import row
from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from tests.verbs.verb_cases import CASES, Case, address, filled, send
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.mail.models import Message
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.erasure.verb import erase_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database
GOING = {
    "deleted": lambda account, by: delete_account(account, by=by, reason="x"),
    "erased": lambda account, by: erase_account(account, by=by, reason="x"),
}
# What is done to an account in the bin. All else is for accounts that are there.
IN_THE_BIN = {"restore", "erase", "add_note", "edit_note", "pin_note"}
ENDED = {
    "end_session": "This session has already ended.",
    "end_sessions": "There are no active sessions to end.",
}
REFUSED = [
    (verb, status)
    for verb in CASES
    for status in GOING
    if not (status == "deleted" and verb in IN_THE_BIN)
]


def gone(verb: str, status: str, by: User) -> tuple[User, Any]:
    """An account that the verb fitted until it went this way, and what it had."""
    case = CASES[verb]
    account = make_user(password=PASSWORD, **case.fields)
    made = case.fit(account, by)
    if account.status != status:
        GOING[status](account, by)
    return User.objects.get(pk=account.pk), made


def clear(verb: str, status: str, text: str) -> bool:
    return ENDED.get(verb, f"This account is {status}") in text.replace("is already", "is")


@pytest.mark.parametrize(("verb", "status"), REFUSED)
def test_the_verb_is_refused_and_says_why(verb, status):
    root = make_superuser()
    account, made = gone(verb, status, root)
    before = row(account)
    events = AuditEvent.objects.count()
    mails = Message.objects.count()
    with pytest.raises(VerbRefused) as caught:
        CASES[verb].ask(account, made, by=User.objects.get(pk=root.pk))
    assert clear(verb, status, caught.value.message)
    assert (row(account), AuditEvent.objects.count(), Message.objects.count()) == (
        before,
        events,
        mails,
    )


@pytest.mark.parametrize(("verb", "status"), REFUSED)
def test_its_address_says_so_too_and_keeps_what_was_typed(verb, status):
    root = make_superuser()
    client = Client()
    account, made = gone(verb, status, root)
    before = row(account)
    events = AuditEvent.objects.count()
    client.force_login(root)
    case = CASES[verb]
    response = send(client, case, account, made)
    text = read(response).one("main").text
    if verb == "end_session":  # the page of a session that is there no more
        assert (response.status_code, "It may have ended already." in text) == (404, True)
    elif (verb, status) == ("put_back", "erased"):  # there is no value either
        assert (response.status_code, "is not recorded" in text) == (400, True)
    else:
        assert response.status_code == 409
        assert clear(verb, status, text)
        assert kept(response, case, account, made)
    assert (row(account), AuditEvent.objects.count()) == (before, events)


def kept(response, case: Case, account: User, made: Any) -> bool:
    if not case.sent or not errors_of(response):
        return True
    # A password is typed again.
    names = set(case.sent) - {"own_password"}
    typed = {name: value for name, value in filled(case, account).items() if name in names}
    return (
        form(response, address(case, account, made)).items()
        >= {k: str(v) for k, v in typed.items()}.items()
    )


@pytest.mark.parametrize("verb", sorted(IN_THE_BIN))
def test_what_is_for_the_bin_works_there(verb, client):
    root = make_superuser()
    account, made = gone(verb, "deleted", root)
    client.force_login(root)
    assert send(client, CASES[verb], account, made).status_code == 302
