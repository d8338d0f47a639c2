"""Renders events as HTML fragments. They are cached, because an event hardly ever changes.

The HTML is written without templates, like the rows of the directory. All values are escaped. The
gain is measured as `events-html` in docs/benchmarks.md.
"""

from functools import partial
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString

from users import access, masking
from users.access_setup import ability
from users.audit.labels import action_label, changed_field_names, described_changes
from users.audit.models import AuditEvent
from users.caching.fragments import Fragment, render_fragments
from users.fields import NO_VALUE
from users.typed_text import isolate_text
from users.web.device_labels import device_label
from users.web.tickets import ticket_tag
from users.web.time_html import full_time_html, minute_time_html

RENDERED_FIELDS = (
    "pk",
    "at",
    "actor_id",
    "actor_text",
    "action",
    "target_id",
    "target_text",
    "before",
    "after",
    "reason",
    "ticket",
    "ip",
    "user_agent",
    "job_id",
    "erased_at",
)


def render_events(
    events: list[AuditEvent], *, viewer: Any, on_account: bool = False
) -> list[SafeString]:
    """Returns an `li` for each event, masked and with links as the rights of `viewer` allow.
    `on_account`: for the page of the account that is the target of all events.
    """
    if masking.hides_personal_data(viewer):
        events = [masking.mask_event(event) for event in events]
    links_jobs = access.may(viewer, "view_jobs")
    now = timezone.localtime()
    zone = str(now.tzinfo)
    shared = (on_account, links_jobs, now.year, zone, settings.TICKET_URL)
    fields = attrgetter(*RENDERED_FIELDS)
    fragments = []
    for event in events:
        key = ("event", *shared, repr(fields(event)))
        build = partial(render_event, event, on_account=on_account, links_jobs=links_jobs)
        fragments.append(Fragment(key, build))
    return render_fragments(fragments)


def render_event(event: AuditEvent, *, on_account: bool, links_jobs: bool) -> SafeString:
    action = action_html(event, on_account=on_account, links_jobs=links_jobs)
    parts = [action, reason_html(event), changes_html(event)]
    if event.erased_at:
        erased = f"{erased_text(event)} {full_time_html(event.erased_at)}"
        parts.append(f'<p class="muted"><small>{erased}</small></p>')
    if event.ip and not on_account:
        parts.append(origin_html(event))
    time = minute_time_html(event.at)
    if event.pk and not on_account:
        time = SafeString(f'<a class="quiet" href="/audit/{event.pk}/">{time}</a>')
    return SafeString(
        f'<li><span class="muted">{time}</span>\n<div>\n{"".join(parts)}</div></li>\n'
    )


def origin_html(event: AuditEvent) -> str:
    agent = ""
    if event.user_agent:
        label = escape(device_label(event.user_agent))
        agent = f' · <span title="{escape(event.user_agent)}">{label}</span>'
    return f'<p class="muted"><small>from {escape(event.ip)}{agent}</small></p>'


def erased_text(event: AuditEvent) -> str:
    """Returns the note on an event that has lost values: those of an erased target or actor, or
    mentions of an erased person.
    """
    if event.target_text and event.actor_text:
        return "mentions of an erased person removed on"
    if event.before or event.after:
        return f"{escape(changed_field_names(event))}: values removed on"
    return "values removed on"


def party_name(text: str, account_id: int | None) -> str:
    """Returns the name of an actor or target, which an erasure or the retention has removed."""
    if account_id is None:
        return text or "a removed name"
    return text or f"account {account_id}"


def action_html(event: AuditEvent, *, on_account: bool, links_jobs: bool) -> str:
    """Returns the actor and the action, with the target unless the page is about it."""
    actor = f'<span class="muted">{escape(isolate_text(event.actor_text or "someone"))}</span>'
    if event.actor_id:
        name = escape(party_name(event.actor_text, event.actor_id))
        actor = f'<a class="quiet" href="/users/{event.actor_id}/">{name}</a>'
    target = ""
    if event.target_id and not on_account:
        name = escape(party_name(event.target_text, event.target_id))
        target = f' · <a href="/users/{event.target_id}/">{name}</a>'
    label = refusal_label(event) if event.action == "denied" else action_label(event)
    what = label_html(label, event.job_id, linked=links_jobs)
    return f"<p>{actor} · {what}{target}</p>\n"


def label_html(label: str, job_id: int | None, *, linked: bool) -> str:
    """Returns the label of an event with its job, once: "Undone by job 4", "Job 4 finished"."""
    what = '<span class="what">{}</span>'
    if not job_id:
        return what.format(escape(label))
    if label.startswith("Job "):
        rest = escape(label.removeprefix("Job "))
        return f"{job_tag('Job', job_id, linked=linked)} {what.format(rest)}"
    named = escape(label.removesuffix(" a job"))
    return f"{what.format(named)} {job_tag('job', job_id, linked=linked)}"


def job_tag(word: str, job_id: int, *, linked: bool) -> str:
    """Returns the number of the event's job, as a link for viewers who may see all jobs."""
    if linked:
        return f'<a class="tag" href="/jobs/{job_id}/">{word} {job_id}</a>'
    return f'<span class="tag">{word} {job_id}</span>'


def reason_html(event: AuditEvent) -> str:
    """Returns the reason with its ticket."""
    reason = f"“{escape(event.reason)}”" if event.reason else ""
    if event.action == "denied":
        reason = escape(refusal_reason(event))
    parts = [part for part in (reason, ticket_tag(event.ticket)) if part]
    return f'<p class="reason">{" ".join(parts)}</p>\n' if parts else ""


def refusal_label(event: AuditEvent) -> str:
    """Returns what the actor tried: "Refused: suspend accounts"."""
    permission = needed_permission(event)
    label = action_label(event)
    return f"{label}: {ability(permission)}" if permission else label


def needed_permission(event: AuditEvent) -> str:
    """Returns the permission that a refused attempt needed; "" if the action is unknown."""
    return access.PERMISSIONS.get(str(event.after.get("action")), "")


def refusal_reason(event: AuditEvent) -> str:
    """Returns the reason of a refusal; "" if the label of the event says as much."""
    permission = needed_permission(event)
    if permission and event.reason == access.permission_reason(permission):
        return ""
    return event.reason


def changes_html(event: AuditEvent) -> str:
    if event.action == "denied":
        return ""
    if event.action == "audit.redacted":
        events = event.after.get("events")
        # Whoever can insert events may have written anything there.
        number = len(events) if isinstance(events, list) else 0
        return f'<p class="changes">in {number} event{"" if number == 1 else "s"}</p>\n'
    return f'<p class="changes">{"; ".join(map(change_html, described_changes(event)))}</p>\n'


def change_html(change: dict[str, str]) -> str:
    before = f"<del>{escape(change['before'])}</del> → " if change["before"] else ""
    return f"{escape(change['label'])} {before}<ins>{escape(change['after'] or NO_VALUE)}</ins>"
