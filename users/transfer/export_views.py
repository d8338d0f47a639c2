"""The files that somebody has exported: for themselves alone, for some days."""

from django.contrib import messages
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from users import access, masking
from users.audit.privileged_fields import record_strange
from users.audit.record import record
from users.exceptions import BadParameter, BadRequest
from users.transfer import export_store, exporting
from users.transfer.export_queries import SIZE, exports
from users.transfer.models import Export
from users.web.error_page import page
from users.web.query_string import number, only

UNMASKED = "This file contains addresses and phone numbers, which you may no longer see."


@require_safe
def index(request):
    access.require(request.user, "view")
    access.require(request.user, "export")
    try:
        only(request.GET, "before")
        before = number("before", request.GET.get("before", ""))
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=request.path) from error
    found, more = exports(request.user, before)
    context = {
        "exports": found,
        "older": f"/exports/?before={found[SIZE - 1].pk}" if more else "",
        "newest": "/exports/" if before else "",
    }
    return render(request, "users/transfer/exports.html", context)


@require_GET
def file(request, pk: int):
    """Streamed piece by piece. The event is written first: no event, no file."""
    export = own(request, pk)
    if export.removed_at or (export.expires_at and export.expires_at <= timezone.now()):
        return page(
            request,
            410,
            "This file has expired. Export the accounts again.",
            back="/exports/",
        )
    if export.expires_at is None:
        return page(request, 409, "This file is not ready yet.", back=f"/jobs/{export.job_id}/")
    if masking.hides(request.user) and export.pieces.filter(masked=False).exists():
        raise access.Denied("view_personal", UNMASKED, access.PERMISSIONS["view_personal"])
    rows, size = exporting.measures(export)
    record("export.downloaded", actor=request.user, after={"rows": rows}, job_id=export.job_id)
    form = export.job.parameters["format"]
    response = StreamingHttpResponse(exporting.stream(export), content_type=exporting.TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="accounts-{export.job_id}.{form}"'
    response["Content-Length"] = str(size)
    return response


@require_POST
def end(request, pk: int):
    """The file goes before its time. Sent twice, it has gone."""
    export = own(request, pk)
    record_strange(request, "export", None)
    if export.expires_at is None:
        return page(
            request,
            409,
            "This file is still being written. Cancel the job instead.",
            back=f"/jobs/{export.job_id}/",
        )
    if export.removed_at is None:
        record("export.removed", actor=request.user, job_id=export.job_id)
        export_store.remove(export)
    messages.success(request, "File removed.")
    return redirect("exports")


def own(request, pk: int) -> Export:
    """Of others nobody learns even that there is one."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    export = (
        Export.objects.select_related("job").filter(pk=pk, job__by=request.user.pk).first()
        if pk < 2**63
        else None
    )
    if export is None:
        raise Http404
    return export
