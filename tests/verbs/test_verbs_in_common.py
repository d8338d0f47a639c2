"""What holds for each verb: the gate, the version, one event, and all of it or nothing."""

import pytest
from django.db import IntegrityError, transaction

from tests.account_rows import events, events_refused, row
from tests.builders import make_superuser, make_user
from tests.verbs.verb_cases import VERSIONED
from users import access
from users.exceptions import EditConflict
from users.models import User

pytestmark = pytest.mark.django_db
each_verb = pytest.mark.parametrize("verb", VERSIONED.values(), ids=VERSIONED)


@each_verb
def test_a_verb_makes_one_version_and_one_event_with_the_changed_fields_only(verb):
    by = make_superuser()
    account = verb.target()
    before = row(account)
    answer = verb.ask(account, by=by, version=account.version)
    after = row(account)
    assert answer.version == after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    [event] = events(account)
    assert (event.action, event.actor_id, event.actor_text) == (verb.event, by.pk, by.username)
    assert (event.target_id, event.target_text, event.target_version) == (
        account.pk,
        account.username,
        after["version"],
    )
    assert event.before.keys() == event.after.keys() != set()
    kept = {
        "version",
        "updated_at",
        "session_epoch",
        "search_key",
        "name_key",
        "email_domain",
        "lookalike",
    }
    kept |= {"before_deletion"}
    changed = {name for name in before if before[name] != after[name]} - kept
    assert event.before.keys() == changed
    assert all(event.before[name] != event.after[name] for name in changed)


@each_verb
def test_a_verb_from_a_stale_version_changes_nothing_and_shows_the_account_as_it_is(verb):
    account = verb.target()
    User.objects.filter(pk=account.pk).update(version=5, locale="pt")
    before = row(account)
    with pytest.raises(EditConflict) as caught:
        verb.ask(account, by=make_superuser(), version=account.version)
    assert (caught.value.current.version, caught.value.current.locale, caught.value.seen) == (
        5,
        "pt",
        1,
    )
    assert (row(account), events(account)) == (before, [])


@each_verb
def test_a_verb_without_a_version_acts_on_the_account_as_it_is(verb):
    account = verb.target()
    User.objects.filter(pk=account.pk).update(version=5, locale="pt")
    answer = verb.ask(account, by=make_superuser(), version=None)
    assert (answer.version, answer.locale) == (6, "pt")


@each_verb
def test_a_verb_that_the_gate_denies_changes_nothing(verb):
    account = verb.target()
    before = row(account)
    with pytest.raises(access.Denied) as caught:
        verb.ask(account, by=make_user("Auditor"), version=account.version)
    assert (caught.value.permission, caught.value.target) == (verb.permission, account)
    assert (row(account), events()) == (before, [])


@each_verb
def test_the_gate_is_asked_before_the_version(verb):
    """Who may not look at an account's change learns nothing about it."""
    account = verb.target()
    with pytest.raises(access.Denied):
        verb.ask(account, by=make_user("Auditor"), version=99)


@each_verb
def test_the_gate_sees_the_account_as_it_is_and_not_as_it_was_when_it_was_read(verb):
    account = verb.target()
    User.objects.filter(pk=account.pk).update(is_staff=True, is_superuser=True)
    with pytest.raises(access.Denied):
        verb.ask(account, by=make_user("Administrator"), version=None)


@each_verb
def test_without_its_event_the_change_does_not_happen(verb):
    by = make_superuser()
    account = verb.target()
    before = row(account)
    with events_refused(), pytest.raises(IntegrityError, match="full_disk"):
        verb.ask(account, by=by, version=account.version)
    assert (row(account), events()) == (before, [])


@each_verb
def test_without_its_change_the_event_does_not_happen(verb):
    by = make_superuser()
    account = verb.target()
    before = row(account)
    with transaction.atomic():
        verb.ask(account, by=by, version=account.version)
        assert events(account)
        transaction.set_rollback(True)
    assert (row(account), events()) == (before, [])


@each_verb
def test_a_command_is_the_actor_by_its_name(verb):
    account = verb.target()
    verb.ask(account, by=access.CommandActor("bulk"), version=account.version)
    [event] = events(account)
    assert (event.actor_id, event.actor_text) == (None, "command bulk")


@each_verb
def test_a_verb_works_on_the_row_and_not_on_the_object_that_it_is_given(verb):
    account = verb.target()
    account.phone = "+999"  # never saved
    answer = verb.ask(account, by=make_superuser(), version=account.version)
    assert answer is not account
    assert row(account)["phone"] == ""
