"""Erasing: nothing of the person is left anywhere, and the audit chain still verifies."""

import logging

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from tests.account_rows import events
from tests.audit.tampering import execute
from tests.builders import make_superuser, make_user
from tests.full_history import cached, found_in, live, mails, tables
from users.access import CommandActor, Denied
from users.audit.models import AuditEvent
from users.audit.tasks import seal_audit_chain
from users.caching.tasks import purge_expired
from users.directory import saved_searches
from users.directory.filter import Filter
from users.directory.models import SavedView
from users.exceptions import EditConflict, VerbRefused
from users.jobs.models import Job
from users.mail.models import Letter, Message
from users.models import State, User
from users.notes.changes import add_note
from users.privacy.tasks import redact_waiting_texts
from users.verbs.erasure.verb import erase_account
from users.verbs.letter.verb import send_letter
from users.verbs.password_reset.verb import request_password_reset
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.roles.verb import assign_roles
from users.verbs.suspension.verb import suspend_account

COMMAND = CommandActor("test")


@pytest.mark.django_db(transaction=True)
def test_nothing_of_the_person_is_left_anywhere(person, caplog, settings):
    with caplog.at_level(logging.DEBUG, logger="users"):
        person = live(person)
        held = set(tables())
        assert {
            "users_user",
            "users_auditevent",
            "users_message",
            "users_savedview",
            "users_note",
            "users_signinevent",
        } <= held
        assert {"users_letter", "users_exportpiece"} <= held
        assert {
            "users_job",
            "users_jobitem",
            "users_jobline",
            "users_session",
            "account_emailaddress",
            "mfa_authenticator",
        } <= held
        told = {
            event.action
            for event in AuditEvent.objects.filter(target_id=None)
            if found_in(repr(vars(event)).encode())
        }
        assert told >= {"job.started", "view.created"}
        assert cached()
        assert mails()
        support = User.objects.get(username="support")
        erase_account(person, by=support, reason="Request 17")
        assert set(tables()) >= {"users_redaction", "users_job"}
        redact_waiting_texts()
    minutes_pass()
    assert tables() == {}
    assert cached() == []
    assert mails() == []
    assert found_in(caplog.text.encode()) == []
    seal_audit_chain()
    call_command("audit_verify")
    event = AuditEvent.objects.filter(target_id=person.pk, action="account.edited").earliest("id")
    assert (event.actor_id, event.actor_text, set(event.after), event.erased_at is not None) == (
        support.pk,
        "support",
        {"email"},
        True,
    )
    assert SavedView.objects.get().query == "q=berta"
    client = Client()
    client.force_login(support)
    rooms = ["/jobs/", *(f"/jobs/{pk}/" for pk in Job.objects.values_list("pk", flat=True))]
    for path in (
        *rooms,
        f"/users/{person.pk}/",
        "/audit/",
        f"/users/{person.pk}/notes/",
        f"/users/{person.pk}/mail/",
    ):
        assert found_in(client.get(path).content) == [], path
    execute("UPDATE users_auditevent SET action = 'account.imported' WHERE id = %s", event.pk)
    with pytest.raises(CommandError, match=f"event {event.pk} at position"):
        call_command("audit_verify")


def minutes_pass() -> None:
    """Rate limits by network address run out, and what has is dropped. They name nobody."""
    execute(
        "UPDATE rollcall_cache SET expires = '2020-01-01 00:00:00' WHERE cache_key LIKE %s",
        "%:ip:%",
    )
    purge_expired()


# --- the account itself ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_row_stays_and_says_nothing():
    joined = timezone.now()
    ada = make_user(
        "Manager",
        first_name="Ada",
        source="hr",
        source_id="x7",
        attributes={"town": "x"},
        date_joined=joined,
        password="x" * 20,
        has_second_factor=True,
        locale="pt",
        valid_until="2999-01-01T00:00Z",
    )
    gone = erase_account(ada, by=COMMAND, reason="Request 17", version=1)
    assert gone == User.objects.get(pk=ada.pk)
    assert (gone.status, gone.version, gone.session_epoch, gone.source, gone.date_joined) == (
        "erased",
        2,
        1,
        "hr",
        joined,
    )
    assert gone.deleted_at
    assert not gone.has_usable_password()
    assert gone.username.startswith("erased-")
    assert not gone.groups.exists()
    assert not gone.user_permissions.exists()
    assert not gone.is_staff
    kept = {
        "id",
        "username",
        "password",
        "status",
        "date_joined",
        "updated_at",
        "deleted_at",
        "version",
        "session_epoch",
        "source",
        "search_key",
        "name_key",
        "email_domain",
        "lookalike",
    }
    assert {
        field.attname: field.value_from_object(gone)
        for field in User._meta.concrete_fields
        if field.attname not in kept
    } == {
        field.attname: field.get_default()
        for field in User._meta.concrete_fields
        if field.attname not in kept
    }
    assert gone.search_key == gone.username


@pytest.mark.django_db
def test_two_erased_accounts_have_different_names_that_nobody_guesses():
    names = {erase_account(make_user(), by=COMMAND, reason="Request 17").username for _ in range(2)}
    assert len(names) == 2
    assert all(len(name) >= len("erased-") + 20 for name in names)


@pytest.mark.django_db
def test_a_deleted_account_is_erased_and_keeps_the_date():
    moment = timezone.now()
    ada = make_user(status=State.DELETED, deleted_at=moment)
    assert erase_account(ada, by=COMMAND, reason="Request 17").deleted_at == moment


@pytest.mark.django_db
def test_the_event_says_why_and_by_whom_and_nothing_else():
    by = make_user("Administrator")
    ada = make_user(first_name="Ada")
    gone = erase_account(ada, by=by, reason=" Request 17 ")
    [event] = events(ada)
    assert (event.action, event.actor_id, event.target_text, event.target_version) == (
        "account.erased",
        by.pk,
        gone.username,
        gone.version,
    )
    assert (event.before, event.after, event.reason) == (
        {"status": "active"},
        {"status": "erased", "names_reserved": True},
        "Request 17",
    )


@pytest.mark.django_db
def test_a_verb_on_an_erased_account_is_refused():
    gone = erase_account(make_user(), by=COMMAND, reason="Request 17")
    before = AuditEvent.objects.count()
    for verb in (
        lambda: erase_account(gone, by=COMMAND, reason="Again"),
        lambda: edit_profile(gone, by=COMMAND, version=None, first_name="Ada"),
        lambda: suspend_account(gone, by=COMMAND, reason="x"),
        lambda: reinstate_account(gone, by=COMMAND),
        lambda: assign_roles(gone, by=COMMAND, groups=[], is_staff=True, is_superuser=False),
        lambda: add_note(gone, by=make_superuser(), text="x"),
    ):
        with pytest.raises(VerbRefused):
            verb()
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize("fails", ["stale", "denied", "named", "open job"])
def test_where_it_is_refused_everything_stays(fails):
    ada = make_user(username="adalove", email="ada@example.com")
    by = make_superuser()
    reason = "Request 17"
    expected: type[Exception] = VerbRefused
    if fails == "stale":
        User.objects.filter(pk=ada.pk).update(version=9)
        expected = EditConflict
    elif fails == "denied":
        by = make_user("Manager")
        expected = Denied
    elif fails == "named":
        reason = "as ada@example.com asked"
        expected = Exception
    else:
        Job.objects.create(kind="suspend", by=by, by_text=str(by), selection="q=ada%40example.com")
    add_note(ada, by=make_superuser(), text="a note")
    before = list(AuditEvent.objects.order_by("id").values_list())
    with pytest.raises(expected), transaction.atomic():
        erase_account(ada, by=by, reason=reason, version=1)
    assert list(AuditEvent.objects.order_by("id").values_list()) == before
    ada.refresh_from_db()
    assert (ada.status, ada.email, ada.notes.get().text) == ("active", "ada@example.com", "a note")


NAMED = "Ask Augusta Lovelace."
GERMAN = {"de": {"subject": "Neues", "text": NAMED}}


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "translations"), [(NAMED, {}), ("Ask us.", GERMAN)])
def test_a_letter_to_many_that_names_the_person_and_has_not_left_yet_refuses_it(text, translations):
    ada = make_user(first_name="Augusta", last_name="Lovelace")
    other = make_user()
    letter = Letter.objects.create(
        subject="News", text=text, translations=translations, is_bulk=True
    )
    message = Message.objects.create(
        account=other, kind="letter", to=other.email, letter=letter, is_bulk=True
    )
    with pytest.raises(VerbRefused, match="is still being sent"):
        erase_account(ada, by=COMMAND, reason="Request 17")
    Message.objects.filter(pk=message.pk).update(state="sent")
    erase_account(ada, by=COMMAND, reason="Request 17")


@pytest.mark.django_db
def test_letters_to_others_stay_as_they_are():
    ada, eve = (make_user(email_verified_at=timezone.now()) for _ in range(2))
    for account in (ada, eve):
        send_letter(account, by=COMMAND, subject="Hello", text="Dear {name}")
    Letter.objects.update(translations=GERMAN)
    erase_account(ada, by=COMMAND, reason="Request 17")
    assert list(Letter.objects.order_by("id").values_list("text", "translations")) == [
        ("", {}),
        ("Dear {name}", GERMAN),
    ]
    assert list(Message.objects.order_by("id").values_list("state", "to")) == [
        ("dropped", ""),
        ("waiting", eve.email),
    ]


@pytest.mark.django_db
def test_what_only_looks_like_the_person_stays():
    support = make_superuser()
    ada = make_user(username="anna", email="anna@example.com", first_name="Anna", last_name="Lang")
    for query in ("q=annabel", "q=joanna%40example.com", "q=lang", "status=active"):
        saved_searches.create_saved_search(
            Filter.parse(QueryDict(query)), by=support, name=query, shared=False
        )
    erase_account(ada, by=COMMAND, reason="Request 17")
    assert SavedView.objects.count() == 4


@pytest.mark.django_db
def test_other_people_keep_their_events_notes_and_mails(tmp_path, settings):
    settings.MAIL_DIR = tmp_path
    ada = make_user()
    eve = make_user()
    support = make_superuser()
    for account in (ada, eve):
        request_password_reset(account)
        suspend_account(account, by=support, reason="why not")
        add_note(account, by=support, text="a note")
    erase_account(ada, by=COMMAND, reason="Request 17")
    assert eve.notes.get().text == "a note"
    assert Message.objects.get(account=eve).to == eve.email
    suspended = AuditEvent.objects.get(target_id=eve.pk, action="account.suspended")
    assert (suspended.reason, suspended.erased_at) == ("why not", None)
    assert (
        AuditEvent.objects.get(target_id=ada.pk, action="account.suspended").actor_text
        == support.username
    )
