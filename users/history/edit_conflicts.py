"""Describes how others changed an account while someone had it open, and asks about conflicts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.forms import Form

from users import access, masking
from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.exceptions import EditConflict, FieldConflict
from users.fields import label_in_text
from users.history.edit_merge import changes_since, merged_events
from users.models import User

DEPENDENT_FIELDS = {"email_verified_at"}  # they change together with another field
FIELD_CHANGE_ACTIONS = {
    "account.edited",
    "account.put_back",
    "account.undone",
    "account.updated_by_import",
    "account.roles_assigned",
}


@dataclass(frozen=True)
class ConflictChoice:
    """One of the values of a field to choose from. `by`, `at`: who set it and when, if known."""

    whose: str
    value: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class ConflictQuestion:
    """A field with the values to choose from."""

    name: str
    label: str
    choices: list[ConflictChoice]


def saved_message(done: User, viewer: User, words: str = "Saved.") -> str:
    """The message about a save, with the changes that it was merged with."""
    events = merged_events(done)
    changes = describe_changes(events, viewer)
    if not changes:
        return words
    kept = "both" if len(events) == 1 else "all"
    return f"{words} Meanwhile {changes}; {kept} changes are kept."


def profile_saved(done: User, viewer: User) -> str:
    """The message about a saved profile, for the page that comes next."""
    shown = masking.mask_accounts([done], viewer)[0]
    return saved_message(done, viewer, f"Profile of {shown.display_name} saved.")


def describe_changes(events: Iterable[AuditEvent], viewer: User) -> str:
    """A clause such as "Ana changed the phone and the email, Bo suspended this account"; "" where
    nothing is worth telling.
    """
    events = list(events)
    names = display_names([event.actor_id for event in events], viewer)
    # By person, the descriptions in their order, each once.
    changes: dict[str, dict[str, None]] = {}
    for event in events:
        if words := describe_event(event):
            who = names.get(event.actor_id) or actor_name(event.actor_text, viewer)
            changes.setdefault(who, {}).setdefault(words)
    clauses = [f"{who} {join_words(list(words))}" for who, words in changes.items()]
    return ", ".join(clauses)


def describe_event(event: AuditEvent) -> str:
    """A phrase such as "changed the phone"; "" where an event changed no field worth telling."""
    if event.action not in FIELD_CHANGE_ACTIONS:
        label = ACTION_LABELS.get(event.action, event.action).lower()
        return f"{label} this account" if label.isalpha() else label
    fields = [label_in_text(name) for name in event.after if name not in DEPENDENT_FIELDS]
    return "changed " + join_words([f"the {field}" for field in fields]) if fields else ""


def join_words(words: list[str]) -> str:
    """The words joined by commas, and by "and" before the last one."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def display_names(ids: Iterable[int | None], viewer: User) -> dict[int | None, str]:
    """The names of people by id, for a viewer who may see accounts; the viewer is "you"."""
    wanted = {pk for pk in ids if pk is not None and pk != viewer.pk}
    found = User.objects.filter(pk__in=wanted) if wanted and access.may(viewer, "view") else ()
    return {viewer.pk: "you"} | {account.pk: account.display_name for account in found}


def actor_name(text: str, viewer: User) -> str:
    """The name that an event has of its actor, if the viewer may see accounts."""
    return text if text and access.may(viewer, "view") else "someone"


# --- questions about conflicts --------------------------------------------------------------------


def conflict_context(form: Form, viewer: User, back: str) -> dict[str, Any]:
    """The template context of a form with conflicts: the questions about them, the fields that
    merge without a question, and `back`, where Cancel leads. Empty for a form without conflicts.
    """
    stale: EditConflict | None = getattr(form, "stale", None)
    if stale is None or not stale.conflicts:
        return {}
    names = display_names([conflict.actor_id for conflict in stale.conflicts], viewer)
    return {
        "back": back,
        "questions": [
            conflict_question(form, conflict, names, viewer) for conflict in stale.conflicts
        ],
        "asked": {conflict.name for conflict in stale.conflicts},
        "settled": settled_fields(form, stale, viewer),
    }


def conflict_question(
    form: Form, conflict: FieldConflict, names: dict[int | None, str], viewer: User
) -> ConflictQuestion:
    """The question about one field: their value, the viewer's, and the original if it is known."""
    who = names.get(conflict.actor_id) or actor_name(conflict.actor_text, viewer)
    theirs = ConflictChoice(
        whose="Theirs" if conflict.known else "Current",
        value=display_value(conflict.theirs),
        by=who if conflict.at else "",
        at=conflict.at,
    )
    choices = [theirs, ConflictChoice("Yours", display_value(conflict.yours))]
    if conflict.known:
        choices.append(ConflictChoice("Original", display_value(conflict.original)))
    return ConflictQuestion(conflict.name, str(form.fields[conflict.name].label), choices)


def settled_fields(form: Form, stale: EditConflict, viewer: User) -> list[tuple[str, str, str]]:
    """The fields that only one of the two has changed: label, value, and who changed it."""
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
        lines.append((str(form.fields[name].label), display_value(value), who))
    return lines


def display_value(value: object) -> str:
    """A value of a field as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
