"""The pages about data use: the people of a day with their counts, and one person by hour."""

from datetime import UTC, datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from users import access
from users.database.clock import current_time
from users.exceptions import BadParameter
from users.meter.models import UseKind
from users.staff.meter import queries
from users.staff.staff_tabs import staff_tabs
from users.web.account_lookup import get_account
from users.web.days import parse_day
from users.web.paging import newest_page
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
    url_with_query,
)

PATH = "/staff/meter/"
SIZE = 25
# Seconds since 1970 of the last hour that a link may name: the end of the year 9998.
LATEST_SECONDS = 253_370_764_800


@drops_empty_parameters
@require_safe
def index(request) -> HttpResponse:
    """Lists the people who used personal data on a day, those above a limit first."""
    access.require(request.user, "view")
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "day", "after")
        day = meter_day(request.GET.get("day", ""))
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(queries.people_of_day(day), SIZE, after)
    flagged = []
    if not after:
        flagged = list(queries.flagged_of_day(day)[: queries.FLAGGED_SHOWN])
    context = {
        "tabs": staff_tabs(request.user),
        "kinds": UseKind.labels,
        "day": day.partition(" ")[0],
        "flagged": queries.person_days(flagged, day, request.user),
        "people": queries.person_days(page.rows, day, request.user),
    }
    links = page.links(PATH, day=request.GET.get("day", ""))
    return render(request, "users/staff/meter/index.html", context | links)


def meter_day(value: str) -> str:
    """Returns the day of the URL, in the viewer's time zone; today without one."""
    try:
        return parse_day(value or timezone.localdate(current_time()).isoformat())
    except ValueError as error:
        raise BadParameter("day", str(error)) from error


@require_safe
def person_hours(request, pk: int) -> HttpResponse:
    """Lists the hours in which a person used personal data, with links to the audit trail."""
    person = get_account(request, "view_audit", pk)
    path = f"{PATH}{pk}/"
    with refuse_bad_parameters(back=path):
        check_parameters(request.GET, "before")
        before = hour_parameter(request.GET.get("before", ""))
    hours = queries.hours_of_person(pk, before)
    shown = hours[: queries.HOURS_SHOWN]
    older = ""
    if len(hours) > len(shown):
        older = url_with_query(path, before=int(shown[-1].hour.timestamp()))
    context = {
        "person": person,
        "kinds": UseKind.labels,
        "hours": shown,
        "older": older,
        "newest": path if before else "",
    }
    return render(request, "users/staff/meter/person.html", context)


def hour_parameter(value: str) -> datetime | None:
    """Returns the hour that a link to older hours names; None for the newest."""
    seconds = parse_id_parameter("before", value)
    if seconds > LATEST_SECONDS:
        raise BadParameter("before", "This page link is not valid. Start again.")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds) if seconds else None
