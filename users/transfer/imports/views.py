"""The pages of uploaded files: the list with the upload, one file with its results, its removal."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from users import access
from users.audit.privileged_fields import record_privileged_fields
from users.audit.record import record_event
from users.exceptions import JobRefused
from users.formats import UnreadableFile
from users.formats.options import ReadOptions
from users.transfer.imports.forms import UploadForm
from users.transfer.imports.import_lookup import Stage, get_own_import, list_imports
from users.transfer.imports.import_page import file_context, result_context, start_form
from users.transfer.imports.inspection import inspect_upload
from users.transfer.imports.rejected_file import rejected_file
from users.transfer.imports.storage import remove_upload, store_upload
from users.transfer.models import ImportFile
from users.typed_text import isolate_text
from users.web.error_page import error_page
from users.web.file_upload import UPLOAD_BYTES, declare_upload_limit
from users.web.form_size import OWN_LIMIT, limit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.partials import background_view
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

INDEX = "/imports/"
# Bytes of the upload that are read at once.
CHUNK_BYTES = 1 << 20


def import_size_limit(request) -> int:
    """Returns how many bytes the sender of a request may upload."""
    may = access.may(request.user, "import")
    return settings.IMPORT_MAX_MB << 20 if may else UPLOAD_BYTES


declare_upload_limit(INDEX, import_size_limit)


@limit_form(OWN_LIMIT)
@form_page
def index(request) -> HttpResponse:
    """Lists the viewer's own files; POST uploads another one."""
    access.require(request.user, "view")
    access.require(request.user, "import")
    with refuse_bad_parameters(back=INDEX):
        check_parameters(request.GET, "before")
        before = parse_id_parameter("before", request.GET.get("before", ""))
    form = UploadForm(
        posted_data(request),
        request.FILES or None,
        request=request,
    )
    record_privileged_fields(request, "import", None, form.fields)
    if form.is_valid() and (file := upload_file(form, request.user)):
        return redirect(next_step(file))
    page = list_imports(request.user, before)
    context = {
        "form": form,
        "imports": page.rows,
    } | page.links(INDEX, "before")
    status = form_status(form)
    return render(request, "users/transfer/imports/index.html", context, status=status)


def upload_file(form: UploadForm, by: Any) -> ImportFile | None:
    """Stores the file of a valid form and reads its beginning, as far as that is possible. Returns
    None, with an error in the form, if the file is empty or too large.
    """
    upload = form.cleaned_data["file"]
    try:
        file = store_upload(upload.chunks(CHUNK_BYTES), upload.name, by)
    except UnreadableFile as error:
        form.add_error("file", ValidationError(error.reason, code="unreadable"))
        return None
    record_event(
        "import.uploaded",
        actor=by,
        after={
            "file": file.pk,
            "size": file.size,
        },
    )
    try:
        inspect_upload(file, ReadOptions())
    except UnreadableFile as error:
        # The next page shows it, with options that may solve it.
        file.problem = str(error)
        file.save(update_fields=["problem"])
    return file


def next_step(file: ImportFile) -> str:
    """Returns the page that follows the upload."""
    step = "mapping" if file.columns else "reading"
    return f"{INDEX}{file.pk}/{step}/"


@background_view
@require_safe
@vary_on_headers("HX-Request")
def show(request, pk: int) -> HttpResponse:
    """Shows one file: the progress of its job, or the results. HTMX polls it meanwhile."""
    file = get_own_import(request, pk)
    if file.stage in (Stage.MAPPING, Stage.UNREADABLE):
        return redirect(next_step(file))
    context = file_context(file, request.user) | result_context(file, request.user)
    if file.stage == Stage.CHECKED:
        context["form"] = start_form()
    return render(request, "users/transfer/imports/show.html", context)


@require_GET
def rejected_download(request, pk: int):
    """Streams the rejected rows as CSV, to be fixed and imported again."""
    file = get_own_import(request, pk)
    if file.stage not in (Stage.CHECKED, Stage.IMPORTED):
        why = "There are no rejected rows yet, or they were removed."
        return error_page(request, 409, why, back=f"{INDEX}{pk}/")
    record_event(
        "import.list_downloaded",
        actor=request.user,
        after={"file": file.pk},
        job_id=file.current_job.pk,
    )
    response = StreamingHttpResponse(
        rejected_file(file),
        content_type="text/csv; charset=utf-8",
    )
    name = f"import-{file.pk}-rejected.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def import_removal(request, pk: int) -> HttpResponse:
    """Removes a file before it expires. A second request changes nothing."""
    file = get_own_import(request, pk)
    record_privileged_fields(request, "import", None)
    try:
        with transaction.atomic():
            if file.removed_at is None:
                remove_upload(file)
                record_event("import.removed", actor=request.user, after={"file": file.pk})
    except JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"{INDEX}{pk}/")
    messages.success(request, f"{isolate_text(file.name)} removed.")
    return redirect("imports")
