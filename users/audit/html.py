"""Events as pieces of HTML, kept from one page to the next: an event never changes.

By hand, as the rows of the directory are. Everything that comes from people goes through `escape`.

This has a price tag: `events-html` in docs/benchmarks.md.
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
    """An `li` for each event. `on_account`: on the page of the account that all of them are about.
    `masked`: for a viewer who must not see personal data.
    """
    events = [masking.mask_event(event) for event in events] if masked else events
    year = timezone.localtime().year
    shown = attrgetter(*RENDERED_FIELDS)
    of = [("event", on_account, year, repr(shown(event))) for event in events]
    return render_fragments(
        [
            Fragment(key, partial(render_event, event, on_account))
            for key, event in zip(of, events, strict=True)
        ]
    )


def render_event(event: AuditEvent, on_account: bool) -> SafeString:
    parts = [action_html(event, on_account), reason_html(event), changes_html(event)]
    if event.erased_at:
        parts.append(
            f'<p class="muted"><small>{erased_text(event)} {full_time_html(event.erased_at)}</small></p>'
        )
    if event.ip and not on_account:
        agent = (
            f" · {escape(Truncator(event.user_agent).chars(MAX_AGENT_LENGTH))}"
            if event.user_agent
            else ""
        )
        parts.append(f'<p class="muted"><small>from {escape(event.ip)}{agent}</small></p>')
    return SafeString(
        f'<li><span class="muted">{minute_time_html(event.at)}</span>\n<div>\n{"".join(parts)}</div></li>\n'
    )


def erased_text(event: AuditEvent) -> str:
    """What is no longer in it: the values of whom it is about, or only words about somebody else."""
    if event.target_text and event.actor_text:
        return "mentions of an erased person removed on"
    return (
        f"{escape(changed_field_names(event))}: values erased on"
        if event.before or event.after
        else "values erased on"
    )


def action_html(event: AuditEvent, on_account: bool) -> str:
    """Who did what; and to whom, where that is not clear from the page."""
    who = f'<span class="muted">{escape(event.actor_text or "someone")}</span>'
    if event.actor_id:
        who = f'<a class="quiet" href="/users/{event.actor_id}/">{escape(event.actor_text or ERASED_NAME)}</a>'
    job = f' <span class="tag">job {event.job_id}</span>' if event.job_id else ""
    whom = ""
    if event.target_id and not on_account:
        whom = (
            f' · <a href="/users/{event.target_id}/">{escape(event.target_text or ERASED_NAME)}</a>'
        )
    return f'<p>{who} · <span class="what">{escape(action_label(event))}</span>{job}{whom}</p>\n'


def reason_html(event: AuditEvent) -> str:
    verb = f"{escape(event.after.get('action', ''))}: " if event.action == "denied" else ""
    return f'<p class="reason">{verb}“{escape(event.reason)}”</p>\n' if event.reason else ""


def changes_html(event: AuditEvent) -> str:
    if event.action == "denied":
        return ""
    if event.action == "audit.redacted":
        number = len(event.after.get("events", []))
        return f'<p class="changes">in {number} event{"" if number == 1 else "s"}</p>\n'
    return f'<p class="changes">{"; ".join(map(change_html, described_changes(event)))}</p>\n'


def change_html(one: dict[str, str]) -> str:
    before = f"<del>{escape(one['before'])}</del> → " if one["before"] else ""
    return f"{escape(one['label'])} {before}<ins>{escape(one['after'] or '—')}</ins>"
