"""Replaces optimisations by plain Django in a web server that is measured.

Rollcall itself does not know this module. benchmarks/settings_plain.py installs it as an
application, and the variable BENCH_WITHOUT names the optimisations that it replaces when all
applications are loaded.
"""

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.apps import AppConfig
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from benchmarks.optimisations import parse_names

VARIABLE = "BENCH_WITHOUT"


class PlainDjango(AppConfig):
    name = "benchmarks"

    def ready(self) -> None:
        for name in parse_names(os.environ.get(VARIABLE, "")):
            REPLACEMENTS[name]()


def without_prepared_statements() -> None:
    from users.database.postgresql.base import DatabaseWrapper

    def plain_cursor(self: DatabaseWrapper, on_first_use: bool) -> Any:
        return self.cursor()

    # Some modules have imported the function that calls it.
    DatabaseWrapper.planned_cursor = plain_cursor  # type: ignore[method-assign]


def without_compiled_queries() -> None:
    from django.db.models import Model

    from users.database.cached_insert import CachedInsert
    from users.database.cached_query import CachedQuery

    def save_row(self: CachedInsert, row: Model) -> None:
        row.save_base(force_insert=True)

    def run_query(self: CachedQuery, pk: int) -> list[Any]:
        return list(self.build(pk))

    CachedQuery.objects = run_query  # type: ignore[method-assign]
    CachedQuery.rows = run_query  # type: ignore[method-assign]
    CachedInsert.insert = save_row  # type: ignore[method-assign]


def without_c_loader() -> None:
    from users.database.postgresql.base import DatabaseWrapper

    DatabaseWrapper.use_c_loader = lambda self, connection: None  # type: ignore[method-assign]
    del DatabaseWrapper.create_cursor


def without_page_memory() -> None:
    from users.caching.backend import ProcessMemory

    ProcessMemory.put = lambda self, key, value, seconds: None  # type: ignore[method-assign]


def without_fragment_memory() -> None:
    from users.caching.fragments import FragmentMemory

    FragmentMemory.put = lambda self, key_parts, html: None  # type: ignore[method-assign]


def without_redis_lock() -> None:
    from users.caching.backend import PageCache

    PageCache.lock_on_miss = lambda self, lock: nullcontext()  # type: ignore
    PageCache.may_build = lambda self: True  # type: ignore[method-assign]


def without_sample_memory() -> None:
    from users.directory.query.key_sample import SampleMemory, read_key_sample

    def read_again(self: SampleMemory, database: str, **place: str) -> Any:
        return read_key_sample(
            database, **({"table": "users_user", "column": "search_key"} | place)
        )

    SampleMemory.get = read_again  # type: ignore


def without_rows_html() -> None:
    from users.directory import rows

    def plain_row(account: Any, *, words: tuple[str, ...], **_: Any) -> SafeString:
        context = {"account": account, "words": words}
        return render_to_string("plain/row.html", context)

    rows.row_html = plain_row


def without_events_html() -> None:
    from users.audit import html, labels
    from users.fields import NO_VALUE

    def plain_event(event: Any, *, on_account: bool, links_jobs: bool) -> SafeString:
        label, refusal = labels.action_label(event), ""
        if event.action == "denied":
            label, refusal = html.refusal_label(event), html.refusal_reason(event)
        context = {
            "event": event,
            "on_account": on_account,
            "links_jobs": links_jobs,
            "year": timezone.localtime().year,
            "what": SafeString(html.label_html(label, event.job_id, linked=links_jobs)),
            "refusal": refusal,
            "changes": labels.described_changes(event),
            "no_value": NO_VALUE,
            "actor_name": html.party_name(event.actor_text, event.actor_id),
            "target_name": html.party_name(event.target_text, event.target_id),
            "erased_text": html.erased_text(event),
        }
        return render_to_string("plain/event.html", context)

    html.render_event = plain_event


def without_buttons_html() -> None:
    from users.account.actions import available_actions
    from users.templatetags.rollcall import register

    def plain_actions(account: Any, may: Any) -> SafeString:
        def with_obstacles(actions: Any) -> list[dict[str, Any]]:
            return [vars(action) | describe(action) for action in actions]

        def describe(action: Any) -> dict[str, Any]:
            return {"label": action.label, "obstacle": action.obstacle(account)}

        available = available_actions(account, may)
        context = {
            "account": account,
            "buttons": with_obstacles(available.buttons),
            "menu": [(name, with_obstacles(links)) for name, links in available.menu.items()],
            "last_section": with_obstacles(available.last_section),
        }
        return render_to_string("plain/actions.html", context)

    register.simple_tag(plain_actions, name="actions")


def field_values(account: Any, name: str) -> tuple[Any, str, str]:
    """Returns the declaration of a field, its value, and the value as people read it."""
    from users.account.field_html import shown_value
    from users.fields import FIELDS

    value = getattr(account, name)
    return FIELDS[name], value, shown_value(name, value)


def without_facts_html() -> None:
    from users import masking
    from users.account.field_html import READ_ONLY_STATES
    from users.fields import NO_VALUE, PROFILE_FIELDS
    from users.templatetags.rollcall import register

    def plain_fields(account: Any, may: Any, *names: str, message: str = "") -> SafeString:
        context = {
            "account": account,
            "masked": masking.is_masked(account),
            "fields": [field_values(account, name) for name in names],
            "may_edit": may.get("edit") and account.status not in READ_ONLY_STATES,
            "message": message,
            "no_value": NO_VALUE,
        }
        return render_to_string("plain/fields.html", context)

    def plain_field(account: Any, may: Any, name: str, message: str = "") -> SafeString:
        return plain_fields(account, may, name, message=message)

    def plain_profile(account: Any, may: Any) -> SafeString:
        return plain_fields(account, may, *PROFILE_FIELDS)

    register.simple_tag(plain_field, name="profile_field")
    register.simple_tag(plain_profile, name="profile_fields")


def without_metrics() -> None:
    from django.db.backends.signals import connection_created

    from users.caching import timing

    timing.observe_request = lambda *values: None
    timing.note_reads = lambda layer, outcome, number=1: None
    connection_created.disconnect(dispatch_uid="users.metrics.query_count")


REPLACEMENTS: dict[str, Callable[[], None]] = {
    "prepared-statements": without_prepared_statements,
    "compiled-queries": without_compiled_queries,
    "c-loader": without_c_loader,
    "page-memory": without_page_memory,
    "redis-lock": without_redis_lock,
    "fragment-memory": without_fragment_memory,
    "sample-memory": without_sample_memory,
    "rows-html": without_rows_html,
    "events-html": without_events_html,
    "buttons-html": without_buttons_html,
    "facts-html": without_facts_html,
    "metrics": without_metrics,
}
