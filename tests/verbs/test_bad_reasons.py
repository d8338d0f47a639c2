"""Reasons that can't be kept, in every form that asks for one: named beside the field, what was
typed is still there.
"""

import pytest

from tests.account_rows import row
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from tests.verbs.verb_cases import CASES, address, filled, send
from users.audit.models import AuditEvent
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of forms, and not of the database
BAD = {
    "100 KB": ("x" * 100_000, "at most 2000 characters"),
    "a null": ("a\x00b", "Null characters"),
    "bytes that are no text": ("a\ufffdb", "unreadable character"),
}
WITHOUT = {
    "edit",
    "edit one field",
    "invite_again",
    "send_password_reset",
    "send_verification",
    "add_note",
    "pin_note",
    "edit_note",
    "write",
}
NEEDED = {
    "assign_roles",
    "put_back",
    "suspend",
    "delete",
    "erase",
    "verify_email",
    "reset_second_factor",
}


@pytest.mark.parametrize("verb", sorted(CASES.keys() - WITHOUT))
def test_a_bad_reason_is_named_beside_the_field_and_kept(client, verb):
    case = CASES[verb]
    root = make_superuser()
    account = User.objects.get(pk=make_user(password=PASSWORD, **case.fields).pk)
    made = case.fit(account, root)
    events = AuditEvent.objects.count()
    before = row(account)
    path = address(case, account, made)
    client.force_login(root)
    bad = BAD | (
        {"none": ("", "required"), "spaces": (" \n", "required")} if verb in NEEDED else {}
    )
    for reason, says in bad.values():
        response = send(client, case, account, made, reason=reason)
        assert response.status_code == 422
        assert says in read(response).one("p", id="id_reason_error").text.replace("2,000", "2000")
        typed = filled(case, account) | {"reason": reason}
        shown = form(response, path)
        assert {name: shown[name] for name in shown.keys() & typed.keys()} == as_shown(typed, shown)
    assert (row(account), AuditEvent.objects.count()) == (before, events)


def as_shown(typed, shown):
    texts = {
        name: [str(one) for one in value] if isinstance(value, list) else str(value)
        for name, value in typed.items()
    }
    return {name: texts[name] for name in shown.keys() & texts.keys()}


@pytest.mark.parametrize("verb", sorted(WITHOUT - {"pin_note"}))
def test_the_other_forms_ask_for_none(client, verb):
    """So that a form that asks for one from tomorrow on is tested above."""
    case = CASES[verb]
    root = make_superuser()
    account = make_user(password=PASSWORD, **case.fields)
    path = address(case, account, case.fit(account, root))
    client.force_login(root)
    assert "reason" not in form(client.get(path), path)
