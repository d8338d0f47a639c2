"""The page of the verification: the last runs of each kind and what they found."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.verification.models import VerificationRun
from users.audit.verification.origin_changes import recorded_origin_changes
from users.audit.verification.runs import last_runs
from users.web.query_string import check_parameters, refuse_bad_parameters

PATH = "/audit/verification/"
SHOWN_RUNS = 20


@require_safe
def list_runs(request) -> HttpResponse:
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET)
    context = {
        "changes": recorded_origin_changes(),
        "last": last_runs(),
        "runs": VerificationRun.objects.order_by("-pk")[:SHOWN_RUNS],
    }
    return render(request, "users/audit/verification/runs.html", context)
