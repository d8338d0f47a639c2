"""What others did to an account while somebody had it open, in words."""

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

DEPENDENT_FIELDS = {"email_verified_at"}  # changes with another field
FIELD_CHANGE_ACTIONS = {
    "account.edited",
    "account.put_back",
    "account.undone",
    "account.updated_by_import",
    "account.roles_assigned",
}


@dataclass(frozen=True)
class ConflictChoice:
    """One of the values of a field that somebody has to choose from. `by`: who made it so, where
    that is known.
    """

    whose: str
    value: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class ConflictQuestion:
    name: str
    label: str
    choices: list[ConflictChoice]


def saved_message(done: User, viewer: User, words: str = "Saved.") -> str:
    """The message about a save, with what it was merged with."""
    told = describe_changes(merged_events(done), viewer)
    if not told:
        return words
    return f"{words} Meanwhile {told}; {'both' if len(merged_events(done)) == 1 else 'all'} changes are kept."


def profile_saved(done: User, viewer: User) -> str:
    """The message about a saved profile, on the page that comes next."""
    shown = masking.mask_accounts([done], viewer)[0]
    return saved_message(done, viewer, f"Profile of {shown.display_name} saved.")


def describe_changes(events: Iterable[AuditEvent], viewer: User) -> str:
    """Such as "Ana changed the phone and the email, Bo suspended this account"; "" where there is
    nothing to tell.
    """
    events = list(events)
    called = display_names([event.actor_id for event in events], viewer)
    deeds: dict[str, dict[str, None]] = {}  # in their order, each once
    for event in events:
        if words := describe_event(event):
            deeds.setdefault(
                called.get(event.actor_id) or actor_name(event.actor_text, viewer), {}
            ).setdefault(words)
    return ", ".join(f"{who} {join_words(list(words))}" for who, words in deeds.items())


def describe_event(event: AuditEvent) -> str:
    """Such as "changed the phone"; "" where an event changed nothing that people speak of."""
    if event.action not in FIELD_CHANGE_ACTIONS:
        label = ACTION_LABELS.get(event.action, event.action).lower()
        return f"{label} this account" if label.isalpha() else label
    fields = [label_in_text(name) for name in event.after if name not in DEPENDENT_FIELDS]
    return "changed " + join_words([f"the {field}" for field in fields]) if fields else ""


def join_words(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def display_names(ids: Iterable[int | None], viewer: User) -> dict[int | None, str]:
    """What people are called, for those who may see accounts."""
    wanted = {pk for pk in ids if pk is not None and pk != viewer.pk}
    found = User.objects.filter(pk__in=wanted) if wanted and access.may(viewer, "view") else ()
    return {viewer.pk: "you"} | {account.pk: account.display_name for account in found}


def actor_name(text: str, viewer: User) -> str:
    return text if text and access.may(viewer, "view") else "someone"


# --- what has to be asked -------------------------------------------------------------------------


def conflict_context(form: Form, viewer: User, back: str) -> dict[str, Any]:
    """For the page of a form: the questions about its conflicts, what merges by itself, and where
    Cancel leads.
    """
    stale: EditConflict | None = getattr(form, "stale", None)
    if stale is None or not stale.conflicts:
        return {}
    called = display_names([conflict.actor_id for conflict in stale.conflicts], viewer)
    questions = [conflict_question(form, conflict, called, viewer) for conflict in stale.conflicts]
    asked = {conflict.name for conflict in stale.conflicts}
    return {
        "back": back,
        "questions": questions,
        "asked": asked,
        "settled": settled_fields(form, stale, viewer),
    }


def conflict_question(
    form: Form, conflict: FieldConflict, called: dict[int | None, str], viewer: User
) -> ConflictQuestion:
    by = called.get(conflict.actor_id) or actor_name(conflict.actor_text, viewer)
    choices = [
        ConflictChoice(
            "Theirs" if conflict.known else "Current",
            display_value(conflict.theirs),
            by if conflict.at else "",
            conflict.at,
        ),
        ConflictChoice("Yours", display_value(conflict.yours)),
    ]
    if conflict.known:
        choices.append(ConflictChoice("Original", display_value(conflict.original)))
    return ConflictQuestion(conflict.name, str(form.fields[conflict.name].label), choices)


def settled_fields(form: Form, stale: EditConflict, viewer: User) -> list[tuple[str, str, str]]:
    """Label, value and whose it is: the fields that only one of the two has changed."""
    past = changes_since(stale.current, stale.seen)
    called = display_names([event.actor_id for event in past.events], viewer)
    asked = {conflict.name for conflict in stale.conflicts}
    lines = []
    for name, value in stale.settled.items():
        event = past.last(name)
        if name in asked or name not in form.fields:
            continue
        now = getattr(stale.current, name, None)
        if not isinstance(value, list) and value != now:
            lines.append((str(form.fields[name].label), display_value(value), "you"))
        elif event and past.original(name, now) != now:
            lines.append(
                (
                    str(form.fields[name].label),
                    display_value(value),
                    called.get(event.actor_id) or actor_name(event.actor_text, viewer),
                )
            )
    return lines


def display_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
