"""Texts about edit conflicts: what others have changed since, and the values to choose from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.forms import Form

from users import access, masking
from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.exceptions import EditConflict, FieldConflict
from users.fields import label_in_text
from users.history.edit_merge import changes_since, merged_events
from users.models import User
from users.phone_numbers import format_phone
from users.typed_text import isolate_text

# Fields that change together with another one.
DEPENDENT_FIELDS = {"email_verified_at", "email_bounced_at"}
# Events that are described by the fields that they changed.
FIELD_CHANGE_ACTIONS = {
    "account.edited",
    "account.put_back",
    "account.undone",
    "account.updated_by_import",
    "account.updated_by_provisioning",
    "account.roles_assigned",
}


@dataclass(frozen=True)
class ConflictChoice:
    """One of the values of a field to choose from. `by` and `at`: who set it and when, if known."""

    whose: str
    value: str
    # The value as people read it.
    shown: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class ConflictQuestion:
    """A field with the values to choose from."""

    name: str
    label: str
    choices: list[ConflictChoice]


def saved_message(account: User, viewer: User, text: str = "Saved.") -> str:
    """Returns the message about a save, with the changes that it was merged with."""
    events = merged_events(account)
    changes = describe_changes(events, viewer)
    if not changes:
        return text
    kept = "both" if len(events) == 1 else "all"
    return f"{text} Meanwhile {changes}; {kept} changes are kept."


def profile_saved(account: User, viewer: User) -> str:
    """Returns the success message of a saved profile."""
    shown = masking.mask_accounts([account], viewer)[0]
    return saved_message(account, viewer, f"Profile of {isolate_text(shown.display_name)} saved.")


def describe_changes(events: Iterable[AuditEvent], viewer: User) -> str:
    """Returns a text such as "Ana changed the phone and the email, Bo suspended this account".

    Returns "" if no event has a description.
    """
    events = list(events)
    names = display_names([event.actor_id for event in events], viewer)
    # The descriptions by person, in order and without duplicates.
    changes: dict[str, dict[str, None]] = {}
    for event in events:
        if description := describe_event(event):
            who = names.get(event.actor_id) or actor_name(event.actor_text, viewer)
            changes.setdefault(who, {}).setdefault(description)
    clauses = [f"{who} {join_words(list(phrases))}" for who, phrases in changes.items()]
    return ", ".join(clauses)


def describe_event(event: AuditEvent) -> str:
    """Returns a phrase such as "changed the phone"; "" if only dependent fields changed."""
    if event.action not in FIELD_CHANGE_ACTIONS:
        label = ACTION_LABELS.get(event.action, event.action).lower()
        return f"{label} this account" if label.isalpha() else label
    names = [name for name in event.after if name not in DEPENDENT_FIELDS]
    if not names:
        return ""
    return "changed " + join_words([f"the {label_in_text(name)}" for name in names])


def join_words(words: list[str]) -> str:
    """Joins `words` by commas, and by "and" before the last one."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def display_names(ids: Iterable[int | None], viewer: User) -> dict[int | None, str]:
    """Returns display names by id, with "you" for the viewer.

    Other accounts are left out if the viewer may not see accounts.
    """
    wanted = {pk for pk in ids if pk is not None and pk != viewer.pk}
    found = User.objects.filter(pk__in=wanted) if wanted and access.may(viewer, "view") else ()
    return {viewer.pk: "you"} | {
        account.pk: isolate_text(account.display_name) for account in found
    }


def actor_name(text: str, viewer: User) -> str:
    """Returns the actor's name in an event, or "someone" if the viewer may not see accounts."""
    return text if text and access.may(viewer, "view") else "someone"


# --- questions about conflicts --------------------------------------------------------------------


def conflict_context(form: Form, viewer: User, back: str) -> dict[str, Any]:
    """Returns the template context of a form with conflicts; {} for a form without.

    It holds the questions about conflicts, the fields that were merged automatically, `own`:
    whether the viewer made all conflicting changes in another window, and `back`, the URL of
    Cancel.
    """
    stale: EditConflict | None = getattr(form, "stale", None)
    if stale is None or not stale.conflicts:
        return {}
    conflicts = stale.conflicts
    names = display_names([conflict.actor_id for conflict in conflicts], viewer)
    questions = [conflict_question(form, conflict, names, viewer) for conflict in conflicts]
    is_own = {conflict.actor_id for conflict in conflicts} == {viewer.pk}
    return {
        "back": back,
        "questions": questions,
        "own": is_own,
        "asked": {conflict.name for conflict in conflicts},
        "settled": settled_fields(form, stale, viewer),
    }


def conflict_question(
    form: Form, conflict: FieldConflict, names: dict[int | None, str], viewer: User
) -> ConflictQuestion:
    """Returns the question about one field: their value, the viewer's, and the original one."""
    readable = partial(readable_field, conflict.name)
    who = ""
    if conflict.at:
        who = names.get(conflict.actor_id) or actor_name(conflict.actor_text, viewer)
    stored, typed = choice_labels(conflict, viewer)
    theirs = ConflictChoice(
        whose=stored,
        value=display_value(conflict.theirs),
        shown=readable(conflict.theirs),
        by=who,
        at=conflict.at,
    )
    others = {typed: conflict.yours}
    if conflict.known:
        others["Original"] = conflict.original
    choices = [theirs]
    for whose, value in others.items():
        choices.append(ConflictChoice(whose, display_value(value), readable(value)))
    label = str(form.fields[conflict.name].label)
    return ConflictQuestion(
        name=conflict.name,
        label=label,
        choices=choices,
    )


def choice_labels(conflict: FieldConflict, viewer: User) -> tuple[str, str]:
    """Returns the labels of the stored value and of the one that the viewer typed."""
    if not conflict.known:
        return "Current", "Yours"
    if conflict.actor_id == viewer.pk:
        return "Other window", "This window"
    return "Theirs", "Yours"


def settled_fields(form: Form, stale: EditConflict, viewer: User) -> list[tuple[str, str, str]]:
    """Returns label, value and author of each field that only one of the two people changed."""
    past = changes_since(stale.current, stale.seen)
    names = display_names([event.actor_id for event in past.events], viewer)
    asked = {conflict.name for conflict in stale.conflicts}
    lines = []
    for name, value in stale.settled.items():
        event = past.last(name)
        if name in asked or name not in form.fields:
            continue
        now = getattr(stale.current, name, None)
        if not isinstance(value, list) and value != now:
            who = "you"
        elif event and past.original(name, now) != now:
            who = names.get(event.actor_id) or actor_name(event.actor_text, viewer)
        else:
            continue
        lines.append((str(form.fields[name].label), readable_field(name, value), who))
    return lines


def readable_field(name: str, value: object) -> str:
    """Returns the value of a field as the account's page shows it."""
    text = display_value(value)
    return format_phone(text) if name == "phone" else text


def display_value(value: object) -> str:
    """Returns the value of a field as text."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
