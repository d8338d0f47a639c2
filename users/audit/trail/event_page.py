"""The page of one event: what changed, by whom, from where, and its place in the chain."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access, masking
from users.access_setup import ability
from users.audit.html import needed_permission, party_name, refusal_label
from users.audit.labels import action_label, hex_text, job_facts, readable_value
from users.audit.models import DENIED, AuditEvent
from users.audit.tree.proofs import is_covered
from users.caching import pages
from users.caching.replica import reads_replica
from users.fields import label_in_text
from users.identifiers import LARGEST_ID


@dataclass(frozen=True)
class Change:
    """One field of an event."""

    label: str
    before: str
    after: str
    # Whether the values were equal.
    is_unchanged: bool = False
    # Whether they were removed, so that nobody knows whether they were equal.
    is_removed: bool = False


@require_safe
@reads_replica
def show(request, pk: int):
    access.require(request.user, "view_audit")
    found = AuditEvent.objects.filter(pk=pk).first() if pk <= LARGEST_ID else None
    if found is None:
        raise Http404
    masked = masking.hides_personal_data(request.user)
    event = masking.mask_event(found) if masked else found
    context = {
        "event": event,
        "label": event_label(event),
        "actor_name": party_name(event.actor_text, event.actor_id),
        "target_name": party_name(event.target_text, event.target_id),
        "facts": event_facts(event),
        "changes": event_changes(event),
        "removed": describe_removal(found),
        "neighbours": account_neighbours(found),
        "links_jobs": access.may(request.user, "view_jobs"),
    } | chain_context(found)
    response = render(
        request,
        "users/audit/event.html",
        context,
    )
    return pages.compress_for_viewer(request, response)


def chain_context(event: AuditEvent) -> dict[str, Any]:
    """Returns the context of the section about the chain."""
    return {
        "has_proof": is_covered(event.chain_position),
        "chain_hash": hex_text(event.chain_hash),
        "chain_previous": hex_text(event.chain_previous),
    }


def event_changes(event: AuditEvent) -> list[Change]:
    """Returns every field of the event by its label, also those that were empty and still are."""
    if event.action == DENIED or event.action.startswith("job."):
        return []
    changes = []
    values = (*event.before.values(), *event.after.values())
    is_removed = event.target_digest is not None and not any(value is not None for value in values)
    for name in sorted({*event.before, *event.after}, key=label_in_text):
        before = event.before.get(name)
        after = event.after.get(name)
        change = Change(
            label=label_in_text(name),
            before=readable_value(before, name),
            after=readable_value(after, name),
            is_unchanged=name in event.before and before == after,
            is_removed=is_removed,
        )
        changes.append(change)
    return changes


def describe_removal(event: AuditEvent) -> str:
    """Returns what an event has lost; "" if it is whole."""
    if not event.erased_at:
        return ""
    if event.target_text and event.actor_text:
        return "Mentions of an erased person"
    return "Personal values"


def event_label(event: AuditEvent) -> str:
    return refusal_label(event) if event.action == DENIED else action_label(event)


def event_facts(event: AuditEvent) -> list[tuple[str, str]]:
    """Returns what the event says of its job; or what a refused attempt needed, and the fields that
    its request had besides.
    """
    if event.action.startswith("job."):
        return [(fact["label"], fact["after"]) for fact in job_facts(event)]
    facts: list[tuple[str, str]] = []
    if event.action != DENIED:
        return facts
    if permission := needed_permission(event):
        facts.append(("Needed", ability(permission)))
    if fields := event.after.get("fields"):
        facts.append(("Fields sent", readable_value(fields)))
    return facts


def account_neighbours(event: AuditEvent) -> dict[str, int]:
    """Returns the IDs of the previous and the next event of the same account; 0 for none."""
    if not event.target_id:
        return {}
    events = AuditEvent.objects.newest_of("target_id", event.target_id)
    following = AuditEvent.objects.oldest_of("target_id", event.target_id)
    return {
        "previous": first_id_of(events.filter(pk__lt=event.pk)),
        "next": first_id_of(following.filter(pk__gt=event.pk)),
    }


def first_id_of(events: Any) -> int:
    return next(iter(events.values_list("pk", flat=True)[:1]), 0)
