"""The pages of exported files. A file is available for some days, to the person who exported it."""

from typing import Any

from django.contrib import messages
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from users import access, masking
from users.audit.privileged_fields import record_privileged_fields
from users.audit.record import record_event
from users.caching.replica import reads_replica
from users.database.clock import current_time
from users.meter.checks import count_use
from users.meter.models import UseKind
from users.sudo.recent import require_sudo
from users.transfer.exports import file_content, piece_store
from users.transfer.exports.file_job import file_job
from users.transfer.exports.formatting import FILE_TYPES
from users.transfer.exports.queries import export_tabs, find_exports, list_exports
from users.transfer.models import Export
from users.web.error_page import error_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

UNMASKED_FILE = "This file contains addresses and phone numbers, which you may no longer see."


@require_safe
@reads_replica
def index(request):
    """Lists the viewer's own exports."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    context = export_list_context(request, by=request.user.pk)
    return render(request, "users/transfer/exports/index.html", context)


@require_safe
@reads_replica
def everyone(request):
    """Lists the exports of all people, for auditors. It offers no downloads."""
    access.require(request.user, "view")
    access.require(request.user, "view_exports")
    context = export_list_context(request)
    return render(request, "users/transfer/exports/everyone.html", context)


def export_list_context(request, by: int | None = None) -> dict[str, Any]:
    """Returns the page of a list that the URL names. `by`: only the exports of this person."""
    with refuse_bad_parameters(back=request.path):
        check_parameters(request.GET, "before")
        before = parse_id_parameter("before", request.GET.get("before", ""))
    page = list_exports(by, before)
    context = {"exports": page.rows, "tabs": export_tabs(request.user)}
    return context | page.links(request.path, "before")


@require_GET
def export_download(request, pk: int):
    """Streams the file, after the event about it was written."""
    export = get_own_export(request, pk)
    if export.removed_at or (export.expires_at and export.expires_at <= current_time()):
        why = "This file has expired. Export it again."
        return error_page(request, 410, why, back="/exports/")
    if export.expires_at is None:
        why = "This file is not ready yet."
        return error_page(request, 409, why, back=f"/jobs/{export.job_id}/")
    if masking.hides_personal_data(request.user) and export.pieces.filter(masked=False).exists():
        raise access.Denied("view_personal", UNMASKED_FILE, access.PERMISSIONS["view_personal"])
    if not masking.hides_personal_data(request.user):
        require_sudo(request)
    rows = file_content.count_file_rows(export)
    unmasked = file_content.count_unmasked_rows(export)
    if unmasked and file_job(export).holds_accounts:
        count_use(request, UseKind.EXPORT, subject=export.pk, number=unmasked)
    opened = file_content.open_file(export)
    record_event(
        "export.downloaded",
        actor=request.user,
        after={"rows": rows},
        ticket=export.job.ticket,
        job_id=export.job_id,
    )
    return file_response(export, opened)


def file_response(export: Export, opened: file_content.ExportContent) -> StreamingHttpResponse:
    """Returns the file as an attachment, with its checksum in a header."""
    file_type = FILE_TYPES[export.job.parameters["format"]]
    response = StreamingHttpResponse(opened.content, content_type=file_type.content_type)
    name = f"{file_job(export).file_name}-{export.job_id}.{file_type.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(opened.size)
    response["Repr-Digest"] = opened.digest_header
    return response


@require_POST
def export_removal(request, pk: int):
    """Removes a file before it expires. A second request changes nothing."""
    export = get_own_export(request, pk)
    record_privileged_fields(request, "export", None)
    if export.expires_at is None:
        why = "This file is still being written. Cancel the job instead."
        return error_page(request, 409, why, back=f"/jobs/{export.job_id}/")
    if export.removed_at is None:
        record_event(
            "export.removed",
            actor=request.user,
            ticket=export.job.ticket,
            job_id=export.job_id,
        )
        piece_store.remove_export(export)
    messages.success(request, "File removed.")
    return redirect("exports")


def get_own_export(request, pk: int) -> Export:
    """Returns the viewer's own export. Raises Http404 for those of other people too, so that their
    existence is not revealed.
    """
    access.require(request.user, "view")
    access.require(request.user, "export")
    export = get_object_or_404(find_exports(request.user.pk), pk=pk)
    access.require(request.user, file_job(export).view_action)
    return export
