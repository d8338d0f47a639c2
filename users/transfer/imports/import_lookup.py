"""Finds the files of a person for their pages, and says how far each import has come."""

from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from users import access
from users.database.clock import current_time
from users.jobs.models import Job
from users.transfer.imports.column_templates import BadTemplate, ColumnTemplate
from users.transfer.models import ImportFile, SavedMapping
from users.web.paging import IdPage, newest_page

IMPORTS_PER_PAGE = 25
MAPPINGS_SHOWN = 100
# An ImportFile with the attributes that `describe_import` sets.
DescribedImport = Any


class Stage(StrEnum):
    """The point that an import has reached."""

    UNREADABLE = "unreadable"
    MAPPING = "mapping"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    IMPORTED = "imported"
    REMOVED = "removed"


STAGE_LABELS = {
    Stage.UNREADABLE: "Can’t be read",
    Stage.MAPPING: "Uploaded",
    Stage.CHECKING: "Checking",
    Stage.CHECKED: "Checked",
    Stage.IMPORTING: "Importing",
    Stage.IMPORTED: "Imported",
    Stage.REMOVED: "Removed",
}


def import_stage(file: ImportFile) -> Stage:
    """Returns the stage of an import. A job that was cancelled leads back to the step before."""
    jobs = filter(None, (file.check_job, file.job))
    is_open = any(not job.has_ended for job in jobs)
    # A job that is open keeps the content, for as long as it waits for approval.
    is_expired = file.expires_at <= current_time() and not is_open
    if file.removed_at or is_expired:
        return Stage.REMOVED
    if file.job and file.job.state != Job.State.CANCELLED:
        return Stage.IMPORTED if file.job.has_ended else Stage.IMPORTING
    if file.check_job and file.check_job.state != Job.State.CANCELLED:
        return Stage.CHECKED if file.check_job.has_ended else Stage.CHECKING
    return Stage.MAPPING if file.columns else Stage.UNREADABLE


def own_imports(viewer: Any) -> QuerySet[ImportFile]:
    """Returns the files that the viewer has uploaded completely."""
    complete = ImportFile.objects.filter(by=viewer.pk).exclude(sha256="")
    return complete.select_related("check_job", "job")


def list_imports(viewer: Any, before: int = 0) -> IdPage[ImportFile]:
    """Returns a page of the viewer's own files, newest first. `before`: only older ones."""
    found = own_imports(viewer).defer("sample", "suggested", "rules")
    page: IdPage[ImportFile] = newest_page(found, IMPORTS_PER_PAGE, before)
    for file in page.rows:
        describe_import(file)
    return page


def describe_import(file: DescribedImport) -> None:
    """Sets attributes for pages: the stage, its label, and the job that is open."""
    file.stage = import_stage(file)
    file.stage_label = STAGE_LABELS[file.stage]
    file.current_job = file.job or file.check_job


def get_own_import(request, pk: int) -> DescribedImport:
    """Returns the viewer's own file, described. Raises Http404 for those of other people too, so
    that their existence is not revealed.
    """
    access.require(request.user, "view")
    access.require(request.user, "import")
    file = get_object_or_404(own_imports(request.user), pk=pk)
    describe_import(file)
    return file


def visible_mappings(viewer: Any) -> QuerySet[SavedMapping]:
    """Returns the viewer's own saved mappings and those that others share."""
    found = SavedMapping.objects.filter(Q(by=viewer.pk) | Q(shared=True))
    return found.select_related("by").order_by("name", "pk")


def get_saved_mapping(viewer: Any, pk: int) -> SavedMapping:
    """Returns a mapping that the viewer can use. Raises Http404."""
    return get_object_or_404(visible_mappings(viewer), pk=pk)


def list_saved_mappings(viewer: Any, columns: list[str] | None = None) -> list[SavedMapping]:
    """Returns the saved mappings; with `columns`, those alone that a file with these can use."""
    found = list(visible_mappings(viewer)[:MAPPINGS_SHOWN])
    if columns is None:
        return found
    return [each for each in found if set(used_columns(each)) <= set(columns)]


def used_columns(saved: SavedMapping) -> list[str]:
    """Returns the columns that the rules of a mapping read."""
    names: list[str] = [*saved.rules.get("attributes", ())]
    for text in saved.rules.get("fields", {}).values():
        try:
            names += ColumnTemplate.parse(text).columns
        except BadTemplate:
            # A name with braces, which is no template.
            names.append(text)
    return names
