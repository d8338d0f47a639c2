"""Renders events as HTML fragments. They are cached, because an event hardly ever changes.

The HTML is written without templates, like the rows of the directory. All values are escaped. The
gain is measured as `events-html` in docs/benchmarks.md.
"""

from functools import partial
from operator import attrgetter

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from users import masking
from users.audit.labels import action_label, changed_field_names, described_changes
from users.audit.models import AuditEvent
from users.caching.fragments import Fragment, render_fragments
from users.typed_text import isolate_text
from users.web.time_html import full_time_html, minute_time_html

RENDERED_FIELDS = (
    "at",
    "actor_id",
    "actor_text",
    "action",
    "target_id",
    "target_text",
    "before",
    "after",
    "reason",
    "ip",
    "user_agent",
    "job_id",
    "erased_at",
)
ERASED_NAME = "an erased account"
MAX_AGENT_LENGTH = 90  # characters of a user agent


def render_events(
    events: list[AuditEvent], *, on_account: bool = False, masked: bool = False
) -> list[SafeString]:
    """Returns an `li` for each event. `on_account`: for the page of the account that is the target
    of all events. `masked`: for a viewer who must not see personal data.
    """
    if masked:
        events = [masking.mask_event(event) for event in events]
    now = timezone.localtime()
    fields = attrgetter(*RENDERED_FIELDS)
    fragments = []
    for event in events:
        key = ("event", on_account, now.year, str(now.tzinfo), repr(fields(event)))
        fragments.append(Fragment(key, partial(render_event, event, on_account)))
    return render_fragments(fragments)


def render_event(event: AuditEvent, on_account: bool) -> SafeString:
    parts = [action_html(event, on_account), reason_html(event), changes_html(event)]
    if event.erased_at:
        erased = f"{erased_text(event)} {full_time_html(event.erased_at)}"
        parts.append(f'<p class="muted"><small>{erased}</small></p>')
    if event.ip and not on_account:
        parts.append(origin_html(event))
    return SafeString(
        f'<li><span class="muted">{minute_time_html(event.at)}</span>\n'
        f"<div>\n{''.join(parts)}</div></li>\n"
    )


def origin_html(event: AuditEvent) -> str:
    agent = ""
    if event.user_agent:
        agent = f" · {escape(Truncator(event.user_agent).chars(MAX_AGENT_LENGTH))}"
    return f'<p class="muted"><small>from {escape(event.ip)}{agent}</small></p>'


def erased_text(event: AuditEvent) -> str:
    """Returns the note on an event that has lost values: those of an erased target or actor, or
    mentions of an erased person.
    """
    if event.target_text and event.actor_text:
        return "mentions of an erased person removed on"
    if event.before or event.after:
        return f"{escape(changed_field_names(event))}: values erased on"
    return "values erased on"


def action_html(event: AuditEvent, on_account: bool) -> str:
    """Returns the actor and the action, with the target unless the page is about it."""
    actor = f'<span class="muted">{escape(isolate_text(event.actor_text or "someone"))}</span>'
    if event.actor_id:
        name = escape(event.actor_text or ERASED_NAME)
        actor = f'<a class="quiet" href="/users/{event.actor_id}/">{name}</a>'
    job = f' <span class="tag">job {event.job_id}</span>' if event.job_id else ""
    target = ""
    if event.target_id and not on_account:
        name = escape(event.target_text or ERASED_NAME)
        target = f' · <a href="/users/{event.target_id}/">{name}</a>'
    label = escape(action_label(event))
    return f'<p>{actor} · <span class="what">{label}</span>{job}{target}</p>\n'


def reason_html(event: AuditEvent) -> str:
    if not event.reason:
        return ""
    denied = f"{escape(event.after.get('action', ''))}: " if event.action == "denied" else ""
    return f'<p class="reason">{denied}“{escape(event.reason)}”</p>\n'


def changes_html(event: AuditEvent) -> str:
    if event.action == "denied":
        return ""
    if event.action == "audit.redacted":
        number = len(event.after.get("events", []))
        return f'<p class="changes">in {number} event{"" if number == 1 else "s"}</p>\n'
    return f'<p class="changes">{"; ".join(map(change_html, described_changes(event)))}</p>\n'


def change_html(change: dict[str, str]) -> str:
    before = f"<del>{escape(change['before'])}</del> → " if change["before"] else ""
    return f"{escape(change['label'])} {before}<ins>{escape(change['after'] or '—')}</ins>"
