"""Removes a person's data from jobs. Lines and items refer to actors by ID, so their texts need no
search (users/jobs/remarks.py).
"""

from users.exceptions import VerbRefused
from users.forgetting import Erasure, PersonNames, forgets
from users.jobs.models import ENDED_STATES, Job, JobItem
from users.models import User

BATCH_SIZE = 500  # jobs in one statement
NO_REMARK = {
    "code": "",
    "actor": None,
    "details": None,
    "reason": "",
}


@forgets(order=20)
def erase_from_jobs(erasure: Erasure) -> None:
    """Blanks the initiator of the account's own jobs and the account's items in all jobs."""
    refuse_open_jobs(erasure.account, erasure.names)
    Job.objects.filter(by=erasure.account).update(
        by_text="",
        origin={},
        session_id=None,
    )
    blank_items(erasure.account.pk)


def refuse_open_jobs(account: User, names: PersonNames) -> None:
    """Raises VerbRefused if an unfinished job names the person, since it needs its selection."""
    jobs = Job.objects.exclude(state__in=ENDED_STATES).select_related("note_line").order_by("id")
    for job in jobs.iterator():
        if job_names_person(job, account, names):
            raise VerbRefused(
                f"Job {job.pk} names this person and has not finished. Cancel it or wait for it.",
                account,
            )


def job_names_person(job: Job, account: User, names: PersonNames) -> bool:
    note = job.note_line
    if note is not None and note.actor_id == account.pk:
        return True
    typed = note.text if note is not None else ""
    texts = (job.selection, job.words, job.parameters, job.reason, job.ticket, typed)
    return names.occur_in(*texts)


def blank_items(account_id: int) -> None:
    """Blanks before-images and reasons. The index begins with the job, so jobs are named."""
    jobs = list(Job.objects.order_by("id").values_list("id", flat=True))
    for start in range(0, len(jobs), BATCH_SIZE):
        batch = jobs[start : start + BATCH_SIZE]
        own = JobItem.objects.filter(job_id__in=batch, account_id=account_id)
        own.update(before=None, **NO_REMARK)
