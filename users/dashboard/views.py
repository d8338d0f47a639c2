"""The dashboard, and the lists behind its numbers that no other room has.

Nothing of it is cached: it costs a few index ranges, and its first part depends on the viewer.
"""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.dashboard import figures, waiting
from users.dashboard.periods import PERIODS, Period, parse_period
from users.web.plots import shares_svg
from users.web.query_string import check_parameters, refuse_bad_parameters

PERSON_FIELDS = ("username", "first_name", "last_name", "email", "status")
SUSPENSION_FIELDS = (*PERSON_FIELDS, "status_reason", "suspended_until", "valid_until")


@require_safe
def index(request) -> HttpResponse:
    if not access.may(request.user, "view") and not access.may(request.user, "view_audit"):
        return redirect("directory")
    period = read_period(request)
    until = figures.counted_until()
    context = {
        "waiting": list(waiting.waiting_items(request.user)),
        "plots": figures.load_plots(request.user, period),
        "period": period,
        "periods": PERIODS,
        "until": until,
        "late": figures.is_late(until),
    }
    if access.may(request.user, "view"):
        context |= states_context()
    return render(request, "users/dashboard/index.html", context)


def read_period(request) -> Period:
    """Returns the chosen period. Raises BadRequest."""
    with refuse_bad_parameters(back="/"):
        check_parameters(request.GET, "period")
        return parse_period(request.GET.get("period", ""))


def states_context() -> dict[str, object]:
    rows = figures.load_states()
    shares = [(state.value, state.label, share) for state, _, share in rows]
    return {
        "states": rows,
        "total": sum(number for _, number, _ in rows),
        "shares": shares_svg(shares),
    }


@require_safe
def suspension_list(request) -> HttpResponse:
    """Lists the suspensions that end first."""
    access.require(request.user, "view")
    accounts = waiting.ending_suspensions().order_by("suspended_until", "pk")
    rows = list(accounts.only(*SUSPENSION_FIELDS)[: waiting.COUNT_LIMIT])
    context = {
        "accounts": masking.mask_accounts(rows, request.user),
        "days": waiting.SUSPENSION_DAYS,
    }
    return render(request, "users/dashboard/suspensions.html", context)
