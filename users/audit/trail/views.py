"""The list of the audit trail, its filters and its count."""

from typing import Any

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.audit.html import render_events
from users.audit.models import DENIED, AuditEvent
from users.audit.trail.counting import count_events
from users.audit.trail.filter import PATH, TrailErrors, TrailFilter, read_position
from users.audit.trail.finder import TrailPage, find_page
from users.audit.trail.folding import Row, fold_rows, last_folded_job
from users.audit.trail.form import TOOLBAR, hidden_errors, panel_fields, trail_fields
from users.audit.trail.links import filter_names, trail_chips, trail_pages
from users.audit.trail.seal_state import seal_state
from users.caching import pages
from users.caching.replica import reads_replica
from users.web import partials
from users.web.partials import background_view
from users.web.query_string import drops_empty_parameters, refuse_bad_parameters


@require_safe
@drops_empty_parameters
@reads_replica
def index(request):
    access.require(request.user, "view_audit")
    wanted, errors = read_trail_filter(request)
    with refuse_bad_parameters(back=PATH):
        position = read_position(request.GET)
    if not errors and is_typed(request, wanted) and not partials.is_htmx_request(request):
        # The URL names accounts by ID alone.
        return redirect(wanted.url())
    context = list_context(request, wanted, errors, find_page(wanted, position))
    status = 422 if errors else 200
    response = render(request, "users/audit/index.html", context, status=status)
    if partials.is_htmx_request(request) and not errors:
        response["HX-Push-Url"] = request_url(request, wanted)
    return pages.compress_for_viewer(request, response)


def list_context(
    request, wanted: TrailFilter, errors: TrailErrors, page: TrailPage
) -> dict[str, Any]:
    names = filter_names(wanted)
    fields = trail_fields(wanted, names, request.GET, errors)
    return filter_context(wanted, fields, errors) | {
        "chips": trail_chips(wanted, names),
        "page": page,
        "events": folded_events(request.user, wanted, page),
        "pages": trail_pages(wanted, page),
        "seal": seal_state(),
        "job_start_url": job_start_url(wanted, page),
        "save_url": wanted.url("/users/views/new/audit/"),
        "export_url": export_url(wanted, request.user),
        "shows_count": page.older or page.newer,
    }


@require_safe
@vary_on_headers("HX-Request")
@reads_replica
def filters(request):
    """Shows all filters: a panel in the list, and a page of its own without JavaScript."""
    access.require(request.user, "view_audit")
    wanted, errors = read_trail_filter(request)
    fields = trail_fields(wanted, filter_names(wanted), request.GET, errors)
    in_list = partials.is_partial(request)
    context = filter_context(wanted, fields, errors) | {
        "in_list": in_list,
        "panel_fields": panel_fields(fields, in_list=in_list),
    }
    part = "#panel" if in_list else ""
    response = render(
        request,
        "users/audit/filters.html" + part,
        context,
    )
    return pages.compress_for_viewer(request, response)


@background_view
@require_safe
@vary_on_headers("HX-Request")
@reads_replica
def event_count(request):
    """Shows the number of matching events: HTMX loads it into the list."""
    access.require(request.user, "view_audit")
    wanted, _ = read_trail_filter(request)
    context = {
        "filter": wanted,
        "count": count_events(wanted),
    }
    part = "#count" if partials.is_partial(request) else ""
    response = render(
        request,
        "users/audit/count.html" + part,
        context,
    )
    return pages.compress_for_viewer(request, response)


def export_url(wanted: TrailFilter, viewer: Any) -> str:
    """Returns the page that exports the events of the filter; "" if the viewer may not export."""
    return wanted.url("/audit/export/") if access.may(viewer, "export") else ""


def read_trail_filter(request) -> tuple[TrailFilter, TrailErrors]:
    """Returns the filter in the URL without the values that were mistyped, and their errors. Raises
    BadRequest for what no form sends.
    """
    masked = masking.hides_personal_data(request.user)
    with refuse_bad_parameters(back=PATH):
        return TrailFilter.read(request.GET, masked=masked)


def is_typed(request, wanted: TrailFilter) -> bool:
    """Returns whether an account was typed by anything but its ID."""
    typed = [request.GET.get(name, "") for name in ("actor", "target")]
    return any(text and text not in wanted.values.values() for text in typed)


def request_url(request, wanted: TrailFilter) -> str:
    position = {name: request.GET.get(name, "") for name in ("after", "before")}
    return wanted.url(**position)


def filter_context(wanted: TrailFilter, fields: dict, errors: TrailErrors) -> dict[str, Any]:
    """Returns the context of the forms. A panel with an error is open."""
    toolbar = [fields[name] for name in TOOLBAR]
    panel = panel_fields(fields, in_list=True)
    has_error = any(field.get("error") for field in panel)
    # Values of the other form, which each form sends along.
    above = {name: value for name, value in wanted.values.items() if name in TOOLBAR}
    below = {name: value for name, value in wanted.values.items() if name not in TOOLBAR}
    return {
        "filter": wanted,
        "error": bool(errors),
        "toolbar": toolbar,
        "panel_fields": panel if has_error else [],
        "in_list": True,
        "hidden_errors": hidden_errors(fields, errors),
        "toolbar_hidden": below,
        "panel_hidden": above,
    }


def folded_events(viewer: Any, wanted: TrailFilter, page: TrailPage) -> str:
    """Returns the `li` elements of a page."""
    found: list[AuditEvent] = page.rows
    rendered = render_events(found, viewer=viewer)
    shown = found
    if wanted.masked:
        shown = [masking.mask_event(event) for event in found]
    rows = [
        Row(event, html)
        for event, html in zip(
            shown,
            rendered,
            strict=True,
        )
    ]
    links_jobs = access.may(viewer, "view_jobs")
    return fold_rows(rows, folded_kinds(wanted), links_jobs=links_jobs)


def folded_kinds(wanted: TrailFilter) -> list[str]:
    """Returns what is folded: nothing that the filter asks for by itself."""
    kinds = [] if "job" in wanted.values else ["job"]
    asks_for_refusals = wanted.values.get("action") == DENIED
    if not (asks_for_refusals or wanted.values.get("outcome") == "refused"):
        kinds.append("refused")
    return kinds


def job_start_url(wanted: TrailFilter, page: TrailPage) -> str:
    """Returns the URL of the events before the job whose folded line ends the page; "" if there is
    no such job, or none of its events is left for the next page.
    """
    job_id = 0 if "job" in wanted.values else last_folded_job(page.rows)
    if not (job_id and page.older):
        return ""
    first = AuditEvent.objects.oldest_of("job_id", job_id).values_list("pk", flat=True)[0]
    return wanted.url(after=first) if first < page.rows[-1].pk else ""
