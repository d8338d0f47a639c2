"""The page of one file: facts, steps, results of the check and of the import."""

from collections import Counter
from datetime import datetime
from itertools import islice
from secrets import token_urlsafe
from typing import Any, NamedTuple

from users.formats.registry import FORMATS
from users.jobs import approval
from users.jobs.kinds import KINDS, JobLink
from users.jobs.models import Job
from users.jobs.queries import find_undo_jobs, worker_outage
from users.transfer.imports.forms import ImportStartForm
from users.transfer.imports.import_job import ImportAccounts
from users.transfer.imports.import_lookup import DescribedImport, Stage
from users.transfer.imports.storage import earlier_uploads
from users.transfer.imports.stored_rows import rejected_rows, result_stage
from users.transfer.models import ImportFile

REJECTED_SHOWN = 20
UNSET_LABEL = "No password until a reset"
STEPS = {
    "upload": "Upload",
    "mapping": "Columns and rules",
    "check": "Check",
    "import": "Import",
}
# The step at which each stage is.
STAGE_STEPS = {
    Stage.UNREADABLE: "mapping",
    Stage.MAPPING: "mapping",
    Stage.CHECKING: "check",
    Stage.CHECKED: "import",
    Stage.IMPORTING: "import",
    Stage.IMPORTED: "import",
    Stage.REMOVED: "upload",
}
FORMAT_LABELS = {each.name: each.label for each in FORMATS}
COUNT_LABELS = {
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "rejected": "Rejected",
}
CHECK_LABELS = {
    "created": "To create",
    "updated": "To update",
    "unchanged": "Unchanged",
    "rejected": "Rejected",
}


class OutcomeCount(NamedTuple):
    name: str
    label: str
    number: int


class EarlierUpload(NamedTuple):
    """An earlier upload of the same content. `by` and `url` are "" where they don't apply."""

    at: datetime
    by: str
    url: str
    job_id: int | None


class Step(NamedTuple):
    """One step of an import, as the page shows it."""

    label: str
    is_done: bool
    is_current: bool


def page_steps(stage: Stage) -> list[Step]:
    current = STAGE_STEPS[stage]
    names = list(STEPS)
    place = names.index(current)
    finished = stage == Stage.IMPORTED
    return [
        Step(
            STEPS[name],
            is_done=number < place or finished,
            is_current=name == current,
        )
        for number, name in enumerate(names)
    ]


def file_context(file: DescribedImport, viewer: Any) -> dict[str, Any]:
    """Returns what each page of a file shows about it."""
    stage = file.stage
    return {
        "file": file,
        "steps": page_steps(stage),
        "format_label": FORMAT_LABELS.get(file.format, ""),
        "earlier": [describe_earlier(each, viewer) for each in earlier_uploads(file)],
    }


def describe_earlier(file: ImportFile, viewer: Any) -> EarlierUpload:
    """Returns an earlier upload of the same content, with a link for whoever uploaded it."""
    earlier = EarlierUpload(
        file.uploaded_at,
        by=file.by_text,
        url="",
        job_id=file.job_id,
    )
    if file.by_id == viewer.pk:
        return earlier._replace(
            by="",
            url=f"/imports/{file.pk}/",
        )
    return earlier


def result_context(file: DescribedImport, viewer: Any) -> dict[str, Any]:
    """Returns what the page of a file shows of its jobs."""
    stage = file.stage
    job = file.job or file.check_job
    context: dict[str, Any] = {
        "job": job,
        "percent": int(job.fraction * 100) if job else 0,
        "counts": outcome_counts(file, stage),
        "skipped": file.totals.get("skipped", {}).items(),
    }
    if stage in (Stage.CHECKING, Stage.IMPORTING):
        context["outage"] = worker_outage()
    if stage in (Stage.CHECKED, Stage.IMPORTED):
        context["rejected"] = list(islice(rejected_rows(file, result_stage(file)), REJECTED_SHOWN))
        context["passwords"] = password_kinds(file)
    if stage == Stage.IMPORTED and job:
        context["links"] = file_job_links(job, viewer, f"/imports/{file.pk}/")
        context["undone_by"] = find_undo_jobs([job]).get(job.pk)
    if stage == Stage.CHECKED:
        context |= checked_context(file, viewer)
    return context


def checked_context(file: DescribedImport, viewer: Any) -> dict[str, Any]:
    """Returns how many rows the import would apply, and whether a second person must approve it."""
    updated = file.totals.get("updated", 0)
    kind = KINDS[ImportAccounts.name]
    rows = file.rows or 0
    return {
        "number": file.totals.get("created", 0) + updated,
        "needs_approval": approval.needs_second_person(kind, rows, viewer.pk, updated),
    }


def start_form(data: Any = None) -> ImportStartForm:
    return ImportStartForm(
        data,
        initial={"key": token_urlsafe(24)},
    )


def file_job_links(job: Job, viewer: Any, own_url: str) -> list[JobLink]:
    """Returns the links of the job's page, such as “Undo”, without the one to the file."""
    kind = KINDS.get(job.kind)
    links = kind.links(job, viewer) if kind else []
    return [link for link in links if link.url != own_url]


def outcome_counts(file: ImportFile, stage: Stage) -> list[OutcomeCount]:
    """Returns the numbers of rows by outcome, which add up to the number of rows."""
    labels = COUNT_LABELS if stage == Stage.IMPORTED else CHECK_LABELS
    totals = file.totals
    return [OutcomeCount(name, label, totals.get(name, 0)) for name, label in labels.items()]


def password_kinds(file: ImportFile) -> list[tuple[str, int]]:
    """Returns how many accounts get a password of each kind, the most frequent first."""
    kinds = Counter(file.totals.get("passwords", {}))
    return [(kind or UNSET_LABEL, number) for kind, number in kinds.most_common()]
