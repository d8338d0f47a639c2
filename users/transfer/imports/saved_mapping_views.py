"""The pages on which mappings are saved, listed, renamed, shared and deleted."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.audit.privileged_fields import record_privileged_fields
from users.transfer.imports.forms import SavedMappingForm
from users.transfer.imports.import_lookup import (
    get_own_import,
    get_saved_mapping,
    list_saved_mappings,
)
from users.transfer.imports.import_page import file_context
from users.transfer.imports.storage import without_secrets
from users.transfer.models import ImportFile, SavedMapping
from users.typed_text import isolate_text
from users.web.forms import form_page, form_status, posted_data

NAME_TAKEN = "You have a mapping with this name. Choose another name."


@form_page
def mapping_save(request, pk: int) -> HttpResponse:
    """Saves the mapping of a file under a name."""
    file = get_own_import(request, pk)
    if not file.rules:
        return redirect("import-mapping", pk)
    form = SavedMappingForm(posted_data(request))
    record_privileged_fields(request, "import", None, form.fields)
    if form.is_valid() and save_mapping(form, file, request.user):
        messages.success(request, f"Mapping “{isolate_text(form.cleaned_data['name'])}” saved.")
        return redirect("import", pk)
    context = file_context(file, request.user) | {"form": form}
    page = "users/transfer/imports/save.html"
    return render(request, page, context, status=form_status(form))


def save_mapping(form: SavedMappingForm, file: ImportFile, by: Any) -> bool:
    """Stores the mapping, without the secret that Firebase files need. Returns False, with an error
    in the form, if the name is taken.
    """
    mapping = SavedMapping(
        by=by,
        columns=file.columns,
        options=without_secrets(file.options),
        rules=file.rules,
    )
    return store_named(mapping, form)


def store_named(mapping: SavedMapping, form: SavedMappingForm) -> bool:
    """Stores a mapping under the name of the form. Returns False, with an error in the form, if the
    person has another mapping of this name.
    """
    mapping.name = form.cleaned_data["name"]
    mapping.shared = form.cleaned_data["shared"]
    try:
        with transaction.atomic():
            mapping.save()
    except IntegrityError:
        form.add_error("name", ValidationError(NAME_TAKEN, code="taken"))
        return False
    return True


@require_safe
def saved_mappings(request) -> HttpResponse:
    """Lists the mappings that the viewer can use."""
    access.require(request.user, "view")
    access.require(request.user, "import")
    context = {"saved": list_saved_mappings(request.user)}
    return render(request, "users/transfer/imports/mappings.html", context)


@form_page
def saved_mapping_edit(request, pk: int) -> HttpResponse:
    """Renames and shares a mapping of the viewer's own."""
    found = get_own_mapping(request, pk)
    initial = {"name": found.name, "shared": found.shared}
    form = SavedMappingForm(posted_data(request), initial=initial)
    record_privileged_fields(request, "import", None, form.fields)
    if form.is_valid() and store_named(found, form):
        messages.success(request, f"Mapping “{isolate_text(found.name)}” saved.")
        return redirect("import-mappings")
    context = {"form": form, "pk": pk}
    page = "users/transfer/imports/mapping_edit.html"
    return render(request, page, context, status=form_status(form))


@require_POST
def saved_mapping_end(request, pk: int) -> HttpResponse:
    """Deletes a mapping of the viewer's own."""
    found = get_own_mapping(request, pk)
    record_privileged_fields(request, "import", None)
    found.delete()
    messages.success(request, f"Mapping “{isolate_text(found.name)}” deleted.")
    return redirect("import-mappings")


def get_own_mapping(request, pk: int) -> SavedMapping:
    """Returns a mapping of the viewer's own. Raises Http404 for any other, even
    a shared one.
    """
    access.require(request.user, "view")
    access.require(request.user, "import")
    found = get_saved_mapping(request.user, pk)
    if found.by_id != request.user.pk:
        raise Http404
    return found
