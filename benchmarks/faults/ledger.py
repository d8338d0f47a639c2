"""Compares what people were told with what the database has at the end."""

from collections import Counter
from typing import NamedTuple

from benchmarks.faults.team import Account
from users.audit.models import AuditEvent
from users.jobs.models import Job, JobItem
from users.models import User
from users.notes.models import Note

ACTIONS = ("account.suspended", "account.reinstated")


class Check(NamedTuple):
    """How many writes were confirmed, and sentences about those that are missing or twice."""

    confirmed: int
    doubtful: int
    faults: list[str]


def check_writes(accounts: list[Account], last_event_before: int) -> Check:
    """Checks notes, changes of state and their events, of which those after `last_event_before`
    count.
    """
    faults: list[str] = []
    for account in accounts:
        faults += note_faults(account)
        faults += change_faults(account, last_event_before)
    confirmed = [len(each.notes) + sum(each.changes.values()) for each in accounts]
    doubtful = [len(each.doubtful_notes) + sum(each.doubtful_changes.values()) for each in accounts]
    return Check(sum(confirmed), sum(doubtful), faults)


def note_faults(account: Account) -> list[str]:
    texts = Note.objects.filter(account_id=account.pk).values_list("text", flat=True)
    stored = Counter(texts)
    faults = [f"a note on {account.pk} is lost" for text in account.notes if not stored[text]]
    twice = [text for text in account.notes + account.doubtful_notes if stored[text] > 1]
    return faults + [f"a note on {account.pk} is stored {stored[text]} times" for text in twice]


def change_faults(account: Account, last_event_before: int) -> list[str]:
    """Compares the events and the status with the confirmed changes."""
    events = AuditEvent.objects.filter(pk__gt=last_event_before, target_id=account.pk)
    stored = Counter(events.filter(action__in=ACTIONS).values_list("action", flat=True))
    faults = []
    for action in ACTIONS:
        least = account.changes[action]
        most = least + account.doubtful_changes[action]
        if not least <= stored[action] <= most:
            faults.append(f"{account.pk} has {stored[action]} events {action}, not {least}")
    state = str(User.objects.get(pk=account.pk).state.label)
    if account.state and account.state != state:
        faults.append(f"{account.pk} is {state}, not {account.state}")
    return faults


def job_faults(job: Job) -> list[str]:
    """Checks that each account of a job was changed exactly once."""
    job.refresh_from_db()
    if job.state != Job.State.DONE:
        return [f"job {job.pk} is {job.state} {job.note}"]
    items = JobItem.objects.filter(job=job, outcome="changed")
    targets = AuditEvent.objects.filter(job_id=job.pk, action="account.suspended")
    numbers = Counter(targets.values_list("target_id", flat=True))
    found = (items.count(), len(numbers), sum(numbers.values()))
    if found == (job.changed,) * 3 and job.changed == job.expected:
        return []
    return [f"job {job.pk}: of {job.expected} accounts {found} items, accounts, events"]
