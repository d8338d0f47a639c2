"""Starts an import that was checked."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from users.audit.origin import change_ticket
from users.audit.privileged_fields import record_privileged_fields
from users.exceptions import JobRefused
from users.jobs.models import Job
from users.sudo.recent import require_sudo_for_bulk
from users.transfer.imports.forms import ImportStartForm
from users.transfer.imports.import_job import start_import
from users.transfer.imports.import_lookup import Stage, get_own_import
from users.transfer.imports.import_page import file_context, result_context, start_form
from users.transfer.models import ImportFile
from users.web.error_page import error_page
from users.web.forms import form_status

# Fields whose import requires an identity confirmation, however few the accounts.
ACCESS_FIELDS = {"groups", "password", "password_hash"}


@require_POST
def import_start(request, pk: int) -> HttpResponse:
    """Starts the import. A second request with the same key leads to the same job."""
    file = get_own_import(request, pk)
    form = start_form(request.POST)
    record_privileged_fields(request, "import", None, form.fields)
    if is_started(file, form):
        return redirect("import", pk)
    if file.stage != Stage.CHECKED:
        why = "Only a file that was checked can be imported."
        return error_page(request, 409, why, back=f"/imports/{pk}/")
    require_sudo_for_bulk(request, file.rows or 0, always=grants_access(file))
    if form.is_valid() and (job := submit_import(form, file, request.user)):
        waits = job.state == Job.State.WAITING
        text = "A second person must approve this import." if waits else "Import queued."
        messages.success(request, text)
        return redirect("import", pk)
    context = file_context(file, request.user) | result_context(file, request.user)
    context["form"] = form
    page = "users/transfer/imports/show.html"
    return render(request, page, context, status=form_status(form))


def grants_access(file: ImportFile) -> bool:
    """Returns whether the import gives accounts roles (those of a column, or the same to all), or
    passwords, which whoever imports them may know.
    """
    rules = file.rules
    return bool(rules.get("groups") or ACCESS_FIELDS & rules.get("fields", {}).keys())


def is_started(file: ImportFile, form: ImportStartForm) -> bool:
    """Returns whether this form has started the import of the file already."""
    key = form.data.get("key", "")
    return bool(key and file.job and file.job.key == key)


def submit_import(form: ImportStartForm, file: ImportFile, by: Any) -> Job | None:
    """Starts the job of a valid form. Returns None, with an error in the form, if it is refused."""
    typed = form.cleaned_data
    try:
        with change_ticket(form.given_ticket):
            return start_import(
                file,
                by=by,
                reason=typed["reason"],
                key=typed["key"],
            )
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None
