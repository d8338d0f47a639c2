"""The pages on which a file's reading and mapping are chosen."""

from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from users.audit.privileged_fields import record_privileged_fields
from users.exceptions import JobRefused
from users.formats import UnreadableFile
from users.formats.options import ReadOptions
from users.transfer.imports.check_job import start_check
from users.transfer.imports.column_guesses import guess_fields
from users.transfer.imports.column_mapping import BadMapping
from users.transfer.imports.forms import ReadingForm
from users.transfer.imports.import_lookup import (
    DescribedImport,
    Stage,
    get_own_import,
    get_saved_mapping,
    list_saved_mappings,
)
from users.transfer.imports.import_page import file_context
from users.transfer.imports.inspection import ALREADY_READ, inspect_upload
from users.transfer.imports.mapping_form import MappingForm, mapping_initial
from users.transfer.imports.preview import preview_rows
from users.transfer.imports.rejected_file import find_corrected_import
from users.transfer.imports.rules import ImportRules
from users.transfer.models import ImportFile
from users.web.error_page import error_page
from users.web.forms import form_page, form_status, posted_data
from users.web.partials import is_partial
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

OTHER_COLUMNS = "The columns of the file have changed. Reload the page and choose again."


@form_page
def reading(request, pk: int) -> HttpResponse:
    """Chooses how a file is read. POST reads its beginning again."""
    file = get_own_import(request, pk)
    if refusal := refuse_late_change(request, file):
        return refusal
    if file.rows is not None:
        return error_page(request, 409, ALREADY_READ, back=f"/imports/{pk}/")
    options = ReadOptions.from_json(file.options)
    initial = ReadingForm.initial_values(options)
    form = ReadingForm(posted_data(request), initial=initial)
    record_privileged_fields(request, "import", None, form.fields)
    if form.is_valid() and read_again(form, file):
        return redirect("import-mapping", pk)
    context = file_context(file, request.user) | {"form": form}
    page = "users/transfer/imports/reading.html"
    return render(request, page, context, status=form_status(form))


def read_again(form: ReadingForm, file: ImportFile) -> bool:
    """Reads the beginning of the file with the chosen options. Returns False, with an error in the
    form, if that is not possible.
    """
    try:
        inspect_upload(file, form.options())
    except UnreadableFile as error:
        where = f"Line {error.line}: " if error.line else ""
        form.add_error(None, ValidationError(f"{where}{error.reason}", code="unreadable"))
        return False
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
        return False
    file.problem = ""
    file.rules = {}
    file.save(update_fields=["problem", "rules"])
    return True


def refuse_late_change(request, file: DescribedImport) -> HttpResponse | None:
    """Returns the error page for a file whose choices can no longer be changed; else None."""
    reasons = {
        Stage.CHECKING: "The file is being checked. Wait until the check has finished.",
        Stage.IMPORTING: "The file is being imported.",
        Stage.IMPORTED: "The file was imported. Upload it again to import it differently.",
        Stage.REMOVED: "The file was removed. Upload it again.",
    }
    if reason := reasons.get(file.stage):
        return error_page(request, 409, reason, back=f"/imports/{file.pk}/")
    return None


@form_page
def mapping(request, pk: int) -> HttpResponse:
    """Maps the columns and chooses the rules. POST stores them and starts the check."""
    file = get_own_import(request, pk)
    if refusal := refuse_late_change(request, file):
        return refusal
    if not file.columns:
        return redirect("import-reading", pk)
    form = build_mapping_form(request, file)
    record_privileged_fields(request, "import", None, form.fields)
    if form.is_valid() and submit_check(form, file, request.user):
        return redirect("import", pk)
    return render_mapping(request, file, form)


@require_POST
def mapping_preview(request, pk: int) -> HttpResponse:
    """Shows the preview of what is typed. HTMX gets the preview alone."""
    file = get_own_import(request, pk)
    if refusal := refuse_late_change(request, file):
        return refusal
    form = build_mapping_form(request, file)
    return render_mapping(request, file, form)


def build_mapping_form(request, file: ImportFile) -> MappingForm:
    """Returns the form with what was typed, or else with a saved mapping or other rules."""
    with refuse_bad_parameters(back=f"/imports/{file.pk}/mapping/"):
        check_parameters(request.GET, "saved")
        saved = parse_id_parameter("saved", request.GET.get("saved", ""))
    if saved:
        rules = ImportRules.from_json(get_saved_mapping(request.user, saved).rules)
    else:
        rules = initial_rules(file)
    initial = mapping_initial(rules, file)
    return MappingForm(
        posted_data(request),
        file=file,
        by=request.user,
        initial=initial,
    )


def initial_rules(file: ImportFile) -> ImportRules:
    """Returns the file's own rules, those of the file whose rejected rows it has, or suggested
    ones.
    """
    if file.rules:
        return ImportRules.from_json(file.rules)
    if corrected := find_corrected_import(file):
        return ImportRules.from_json(corrected.rules)
    rules = ImportRules.from_json(file.suggested)
    return replace(
        rules,
        fields=guess_fields(file.columns, rules.fields),
    )


def submit_check(form: MappingForm, file: ImportFile, by: Any) -> bool:
    """Stores the rules and starts the check. Returns False, with an error in the form, if the check
    is refused.
    """
    try:
        start_check(file, form.rules(), by=by)
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
        return False
    except (BadMapping, UnreadableFile):
        # The file was read again in another tab, and has other columns now.
        form.add_error(None, ValidationError(OTHER_COLUMNS, code="stale"))
        return False
    return True


def render_mapping(request, file: ImportFile, form: MappingForm) -> HttpResponse:
    """Returns the page of the mapping, or its preview alone for HTMX."""
    checked = form if form.is_bound else with_initial_values(form, request.user)
    rows = None
    if checked.is_valid():
        rows = preview_rows(
            file,
            checked.mapping,
            checked.rules(),
            request.user,
        )
    context = file_context(file, request.user) | {
        "form": form,
        "checked": checked,
        "rows": rows,
        "saved": list_saved_mappings(request.user, file.columns),
        "corrected": None if file.rules else find_corrected_import(file),
    }
    page = "users/transfer/imports/mapping.html"
    if is_partial(request):
        # Errors belong to the preview: the form is not replaced while someone works on it.
        return render(request, f"{page}#preview", context)
    return render(request, page, context, status=form_status(form))


def with_initial_values(form: MappingForm, by: Any) -> MappingForm:
    """Returns the form as if its initial values had been sent, for the first preview."""
    data = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in data.items() if value not in (None, "")}
    return MappingForm(
        sent,
        file=form.file,
        by=by,
    )
