"""Whatever Rollcall changes of an account has an event in the same transaction, so that none of it
counts as made outside.
"""

import pytest
from django.contrib.auth.hashers import make_password

from tests.builders import PASSWORD, make_superuser, make_user
from tests.bulk.running import run, work
from tests.full_history import imported
from tests.outside import outside_events, outside_triggers
from tests.verbs.verb_cases import CASES
from users.access import CommandActor
from users.audit.models import AuditEvent
from users.bulk import undo
from users.mail.fates import mark_address_bounced
from users.mail.models import Message, Suppression
from users.mail.suppressions import lift_suppression, suppress_address
from users.mail.unsubscription import TokenNames, unsubscribe_account
from users.models import User
from users.privacy.tasks import redact_waiting_texts
from users.verbs.erasure.verb import erase_account
from users.verbs.invitation.verb import invite_user
from users.verbs.password_reset.verb import choose_password

pytestmark = pytest.mark.django_db
COMMAND = CommandActor("test")


def test_each_verb_declares_its_change():
    by = make_superuser()
    accounts = {name: case.target() for name, case in CASES.items()}
    made = {name: case.fit(accounts[name], by) for name, case in CASES.items()}
    with outside_triggers():
        for name, case in CASES.items():
            case.ask(User.objects.get(pk=accounts[name].pk), made[name], by=by)
        assert outside_events() == []


def test_imports_jobs_emails_and_sign_ins_declare_their_changes(tmp_path, settings, client):
    settings.MAIL_DIR = tmp_path / "mail"
    root = make_superuser()
    old = make_password(PASSWORD, salt="short")
    eve = make_user(accepts_announcements=True, status_reason="Like wquax77", password=PASSWORD)
    message = Message.objects.create(account=eve, kind="letter", to=eve.email)
    User.objects.filter(pk=eve.pk).update(password=old)
    with outside_triggers():
        person = imported(tmp_path)
        unsubscribe_account(TokenNames(message.pk, eve.pk))
        mark_address_bounced(message)
        suppress_address(eve.email, Suppression.Source.INVALID)
        lift_suppression(Suppression.objects.get(source="invalid"), by=root, reason="Works")
        client.post("/login/", {"login": eve.email, "password": PASSWORD})
        assert User.objects.get(pk=eve.pk).last_login
        assert User.objects.get(pk=eve.pk).password != old
        choose_password(
            invite_user(by=root, username="newcomer", email="newcomer@example.com"), PASSWORD
        )
        undone = run("suspension", [eve, person], by=root, reason="A reason")
        work(undo.undo_job(undone, by=root, reason="A mistake"))
        erase_account(person, by=COMMAND, reason="Request 17")
        redact_waiting_texts()
        assert User.objects.get(pk=eve.pk).status_reason == "Like [erased]"
        assert outside_events() == []
    for action in ("account.password_rehashed", "account.text_redacted"):
        assert AuditEvent.objects.get(action=action).target_id == eve.pk
