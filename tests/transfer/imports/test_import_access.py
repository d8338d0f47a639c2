"""What a row may say about access: password, roles, end date, status and note, by the rules of an
import.
"""

from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_superuser, make_user
from tests.transfer.imports.importer import import_records
from users import access
from users.audit.models import AuditEvent
from users.models import User
from users.notes.models import Note
from users.role_models import RoleGrant
from users.transfer.imports.column_mapping import BadMapping
from users.transfer.imports.line_index import TemporaryLineIndex
from users.transfer.imports.rules import BOTH, UPDATE, ImportRules

pytestmark = pytest.mark.django_db

HASH = "pbkdf2_sha256$1000$salt$Zn8wKzVLs0eSfz9kWbMyvZ0qsvGDKhWv8kXQXpFFwqM="
FIELDS = {
    "username": "name",
    "email": "mail",
    "password_hash": "hash",
    "groups": "roles",
    "valid_until": "until",
    "status": "state",
    "email_verified": "verified",
    "note": "note",
}
RULES = ImportRules(fields=FIELDS, key="username")
ANN = {
    "name": "ann",
    "mail": "ann@example.com",
    "hash": HASH,
    "roles": "viewer; Nobody|Administrator",
    "until": "2090-01-31",
    "state": "suspended",
    "verified": "yes",
    "note": "From the old system",
}
NOTHING = dict.fromkeys(ANN, "")


def test_an_account_gets_what_its_row_says_and_the_event_has_no_hash():
    viewer = Group.objects.get(name="Viewer")
    [outcome] = import_records([ANN], RULES, make_superuser())
    ann = User.objects.get(username="ann")
    assert (ann.password, ann.status, ann.valid_until) == (
        HASH,
        "suspended",
        datetime(2090, 2, 1, tzinfo=UTC),
    )
    assert ann.email_verified_at
    assert list(ann.groups.all()) == [viewer]
    assert (outcome.kind, outcome.account_id, outcome.version) == ("created", ann.pk, 1)
    assert outcome.password_kind
    assert outcome.reason == (
        "Role “Nobody” was not applied: There is no such role. Role “Administrator” was not "
        "applied: It can only be granted on the page of an account."
    )
    event = AuditEvent.objects.get(action="account.imported")
    assert event.after["groups"] == ["Viewer"]
    assert HASH not in str(event.after)
    note = Note.objects.get(account=ann)
    assert (note.text, note.pinned) == ("From the old system", False)
    assert AuditEvent.objects.get(action="note.added").after == {"note": note.pk}


def test_what_the_importer_may_not_do_is_named_and_not_applied():
    manager = make_user("Manager")
    role = Group.objects.get(name="Manager")
    role.permissions.remove(*role.permissions.filter(codename__in=["add_note", "change_groups"]))
    row = ANN | {"state": "", "roles": "Viewer"}
    [outcome] = import_records([row], RULES, manager)
    ann = User.objects.get(username="ann")
    assert not ann.groups.exists()
    assert not Note.objects.exists()
    assert "Role “Viewer” was not applied: Only a role that can" in outcome.reason
    assert "The note was not applied: Only a role that can" in outcome.reason


def test_the_rules_apply_to_every_row_without_a_value_of_its_own():
    viewer = Group.objects.get(name="Viewer")
    rules = ImportRules(
        fields=FIELDS,
        key="username",
        groups=[viewer.pk, 999_999],
        valid_until=date(2080, 1, 1),
        note="Moved in",
    )
    bob = NOTHING | {"name": "bob", "note": "His own"}
    outcomes = import_records([NOTHING | {"name": "ann"}, bob], rules, make_superuser())
    accounts = list(User.objects.filter(username__in=["ann", "bob"]).order_by("pk"))
    assert {account.valid_until.year for account in accounts} == {2080}
    assert [list(account.groups.all()) for account in accounts] == [[viewer], [viewer]]
    assert set(Note.objects.values_list("text", flat=True)) == {"Moved in", "His own"}
    assert outcomes[0].reason == "Role 999999 was not applied: It no longer exists."


def test_an_update_adds_roles_and_keeps_status_and_password():
    viewer, support = (Group.objects.get(name=name) for name in ("Viewer", "Support"))
    ann = make_user(username="ann", email="ann@example.com")
    ann.groups.add(support)
    ann.set_password("correct horse")
    ann.save()
    rules = ImportRules(fields=FIELDS, key="username", mode=BOTH)
    row = ANN | {"roles": "Viewer", "verified": ""}
    [outcome] = import_records([row], rules, access.CommandActor("test"))
    ann.refresh_from_db()
    assert ann.check_password("correct horse")
    assert (ann.status, ann.version) == ("active", 2)
    assert set(ann.groups.all()) == {viewer, support}
    assert (outcome.kind, outcome.version, outcome.before) == (
        "updated",
        2,
        {"valid_until": None, "groups": [support.pk]},
    )
    event = AuditEvent.objects.get(action="account.updated_by_import")
    assert event.before["groups"] == ["Support"]
    assert event.after["groups"] == ["Support", "Viewer"]
    assert not AuditEvent.objects.filter(action="account.changed_outside").exists()
    again = import_records([row], rules, access.CommandActor("test"))
    assert (again[0].kind, Note.objects.count()) == ("unchanged", 1)


def test_an_account_that_nobody_has_used_gets_its_password_later():
    ann = make_user(username="ann", email="ann@example.com")
    ann.set_unusable_password()
    ann.save()
    row = NOTHING | {"name": "ann", "hash": HASH}
    rules = ImportRules(fields=FIELDS, key="username", mode=UPDATE)
    [outcome] = import_records([row], rules, access.CommandActor("test"))
    assert (outcome.kind, outcome.before) == ("updated", {"password": ann.password})
    ann.refresh_from_db()
    assert ann.password == HASH


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("until", "2020-01-01", "End date: Choose a time in the future."),
        ("until", "31.1.2090", "End date, column until: “31.1.2090”: Enter a date such as"),
        ("state", "deleted", "Enter active, suspended or invited."),
        ("verified", "perhaps", "Enter yes, no or a date."),
    ],
)
def test_a_wrong_value_rejects_its_row(column, value, reason):
    row = NOTHING | {"name": "ann", column: value}
    [outcome] = import_records([row], RULES, access.CommandActor("test"))
    assert outcome.kind == "rejected"
    assert reason in outcome.reason


def test_an_import_that_only_updates_creates_nobody():
    rules = ImportRules(fields=FIELDS, key="username", mode=UPDATE)
    [outcome] = import_records([ANN], rules, access.CommandActor("test"))
    assert (outcome.kind, User.objects.count()) == ("rejected", 0)
    assert outcome.reason == "No account matches this row, and new ones are not created."


def test_a_dry_run_says_the_same_and_stores_nothing():
    make_user(username="bob", email="bob@example.com")
    rows = [ANN, NOTHING | {"name": "bob", "roles": "Viewer"}]
    rules = ImportRules(fields=FIELDS, key="username", mode=BOTH)
    by = access.CommandActor("test")
    with closing(TemporaryLineIndex()) as lines:
        tried = import_records(rows, rules, by, lines, dry_run=True)
    assert not User.objects.filter(username="ann").exists()
    assert not AuditEvent.objects.exists()
    done = import_records(rows, rules, by)
    assert [(each.kind, each.reason) for each in tried] == [
        (each.kind, each.reason) for each in done
    ]


def test_rules_survive_their_storage():
    rules = ImportRules(fields=FIELDS, groups=[1], valid_until=date(2080, 1, 1), mode=BOTH)
    assert ImportRules.from_json(rules.to_json() | {"unknown": 1}) == rules


def test_nobody_gives_themselves_roles_or_a_verified_address():
    manager = make_user("Manager", username="ann", email="ann@example.com", email_verified_at=None)
    row = NOTHING | {
        "name": "ann",
        "mail": "ann@example.com",
        "roles": "Support",
        "verified": "yes",
    }
    rules = ImportRules(fields=FIELDS, key="username", mode=UPDATE, note="Seen")
    [outcome] = import_records([row], rules, manager)
    manager.refresh_from_db()
    assert [group.name for group in manager.groups.all()] == ["Manager"]
    assert manager.email_verified_at is None
    assert outcome.kind == "unchanged"


@pytest.mark.sqlite
@pytest.mark.parametrize("target", ["password", "password_hash"])
def test_a_password_is_no_fixed_text_which_the_rules_would_keep(target):
    rules = ImportRules(fields=FIELDS | {target: "Welcome-2024{name}"}, key="username")
    with pytest.raises(BadMapping) as refused:
        import_records([ANN], rules, access.CommandActor("test"))
    assert str(refused.value).startswith(f"{target}: A password comes from one column.")
    assert "2024" not in f"{refused.value}{refused.value.for_page}"


def unused_account() -> User:
    ann = make_user(username="ann", email="ann@example.com")
    ann.set_unusable_password()
    ann.save()
    return ann


def test_a_first_password_of_an_existing_account_needs_its_own_permission():
    ann = unused_account()
    row = NOTHING | {"name": "ann", "hash": HASH}
    rules = ImportRules(fields=FIELDS, key="username", mode=BOTH)
    [outcome] = import_records([row], rules, make_user("Manager"))
    ann.refresh_from_db()
    assert not ann.has_usable_password()
    assert outcome.kind == "unchanged"
    assert "The password was not applied: Only a role that can set first" in outcome.reason
    [other] = import_records([row | {"name": "bob"}], rules, make_user("Manager"))
    assert (other.kind, User.objects.get(username="bob").password) == ("created", HASH)
    [allowed] = import_records([row], rules, make_user("Administrator"))
    ann.refresh_from_db()
    assert (allowed.kind, ann.password) == ("updated", HASH)
    assert allowed.reason == "This account exists and gets its first password."
    event = AuditEvent.objects.get(action="account.updated_by_import")
    assert event.after["password"].startswith("imported (")


def test_roles_of_an_import_are_recorded_as_grants():
    viewer = Group.objects.get(name="Viewer")
    held = make_user(username="bob", email="bob@example.com")
    manager = make_user("Manager", username="meg")
    rules = ImportRules(fields=FIELDS, key="username", mode=BOTH)
    rows = [NOTHING | {"name": name, "roles": "Viewer"} for name in ("ann", "bob")]
    import_records(rows, rules, manager)
    grants = RoleGrant.objects.order_by("account_id")
    assert {grant.account_id for grant in grants} == {
        held.pk,
        User.objects.get(username="ann").pk,
    }
    assert {(grant.group_id, grant.by_id, grant.by_text, grant.until) for grant in grants} == {
        (viewer.pk, manager.pk, str(manager), None)
    }
    import_records(rows, rules, make_superuser())
    assert {grant.by_id for grant in RoleGrant.objects.all()} == {manager.pk}


def test_a_role_with_power_over_others_is_not_given_by_the_command_either():
    [outcome] = import_records([ANN], RULES, access.CommandActor("test"))
    assert [group.name for group in User.objects.get(username="ann").groups.all()] == ["Viewer"]
    assert "It can only be granted on the page of an account." in outcome.reason
