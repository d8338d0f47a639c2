"""The pages of exported files. A file is available for some days, to the person who exported it."""

import os
from functools import partial

from django.contrib import messages
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from users import access, masking
from users.audit.privileged_fields import record_privileged_fields
from users.audit.record import record_event
from users.caching.replica import reads_replica
from users.database.clock import current_time
from users.identifiers import LARGEST_ID
from users.transfer.exports import formatting, piece_store
from users.transfer.exports.file_job import file_job
from users.transfer.exports.queries import list_exports, own_exports
from users.transfer.models import Export
from users.web.error_page import error_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

# Of a packed file at once.
PACKED_BYTES = 1 << 16
UNMASKED_FILE = "This file contains addresses and phone numbers, which you may no longer see."


@require_safe
@reads_replica
def index(request):
    """Lists the viewer's own exports."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    with refuse_bad_parameters(back=request.path):
        check_parameters(request.GET, "before")
        before = parse_id_parameter("before", request.GET.get("before", ""))
    page = list_exports(request.user, before)
    context = {"exports": page.rows} | page.links("/exports/", "before")
    return render(request, "users/transfer/exports/index.html", context)


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
    rows, size = formatting.measure_file(export)
    record_event(
        "export.downloaded",
        actor=request.user,
        after={"rows": rows},
        ticket=export.job.ticket,
        job_id=export.job_id,
    )
    return file_response(export, size)


def file_response(export: Export, size: int) -> StreamingHttpResponse:
    """Returns the file as an attachment of `size` bytes."""
    file_format = export.job.parameters["format"]
    packed = file_job(export).pack_file(export)
    content = formatting.stream_file(export)
    if packed:
        size = packed.seek(0, os.SEEK_END)
        packed.seek(0)
        content = iter(partial(packed.read, PACKED_BYTES), b"")
    response = StreamingHttpResponse(content, content_type=formatting.CONTENT_TYPES[file_format])
    response["Content-Disposition"] = (
        f'attachment; filename="{file_job(export).file_name}-{export.job_id}.{file_format}"'
    )
    response["Content-Length"] = str(size)
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
    if pk > LARGEST_ID:
        raise Http404
    export = own_exports(request.user).filter(pk=pk).first()
    if export is None:
        raise Http404
    access.require(request.user, file_job(export).view_action)
    return export
