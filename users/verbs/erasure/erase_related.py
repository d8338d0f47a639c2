"""What there is of a person outside of the account's row, and how it goes. In the transaction of
the erasure; but what was written about others is looked through by a worker afterwards
(users/redaction), which the row of a Redaction tells to.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.database.erasure_rules import ERASED_TEXT
from users.directory import counts
from users.directory.models import SavedView
from users.exceptions import VerbRefused
from users.identifiers import normalise_search_text
from users.jobs.models import ENDED_STATES, Job, JobItem, JobLine
from users.mail import file_backend
from users.mail.models import Letter, Message
from users.models import User
from users.notes import changes
from users.presence import models as presence
from users.privacy import search_terms
from users.privacy.models import Redaction
from users.sessions import sign_in_events, throttle
from users.transfer import export_store

BATCH_SIZE = 500  # ids in one statement
IDENTIFYING_FIELDS = ("username", "email", "phone", "source_id")
CHANGED_SINCE_PREFIX = "Changed since by "  # users.bulk.undo
MIN_TEXT_LENGTH = 4  # characters of what names one person; shorter ones stand in too many words


def erase_related_records(account: User, *, by: Any) -> None:
    past = search_terms.past_values(account)
    sought = search_terms.search_values(account, past)
    names = NameMatcher(account, past, sought)
    erase_messages(account)
    erase_letters(account, names)
    erase_from_jobs(account, names, past)
    export_store.forget_exported(account.pk)
    delete_saved_searches(account, names, by)
    changes.forget(account.pk)
    presence.forget_presence(account.pk)
    sign_in_events.erase_sign_ins(account.pk)
    throttle.reset_failures(account)
    EmailAddress.objects.filter(user=account).delete()
    counts.forget_counts()
    erase_events(account)
    Redaction.objects.create(account_id=account.pk, values=sought)


class NameMatcher:
    """The texts that name this person and hardly another one, also those of former times: found in
    what people typed, whatever the spelling of it.
    """

    def __init__(self, account: User, past: search_terms.PastValues, sought: dict[str, list[str]]):
        texts = {text for name in IDENTIFYING_FIELDS for text in past[name]}
        if account.first_name and account.last_name:
            texts |= {
                f"{account.first_name} {account.last_name}",
                f"{account.last_name} {account.first_name}",
            }
        forms = {
            re.escape(form)
            for text in texts
            if len(form := normalise_search_text(text)) >= MIN_TEXT_LENGTH
        }
        self.pattern = re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)") if forms else None
        self.matcher = search_terms.build_matcher(account, sought)

    def within(self, *texts: object) -> bool:
        """Whether one of them stands in one of `texts`, which may be queries of a filter or JSON."""
        forms = [form for text in texts for form in decoded_forms(str(text))]
        named = self.pattern is not None and any(
            self.pattern.search(normalise_search_text(form)) for form in forms
        )
        return named or self.matcher.within(*forms)


def decoded_forms(text: str) -> list[str]:
    return [text, unquote_plus(text), *(value for _, value in parse_qsl(text))]


def erase_messages(account: User) -> None:
    """What waits is not sent. What was sent is known to have been, and not where to or what the
    server said of it.
    """
    mails = Message.objects.filter(account=account)
    file_backend.remove_mail_files(mails.values_list("message_id", flat=True), settings.MAIL_DIR)
    mails.filter(state=Message.State.WAITING).update(state=Message.State.DROPPED)
    mails.update(to="", error="")


def erase_letters(account: User, names: NameMatcher) -> None:
    """What was written to this person alone. A letter to many that names them must have left for
    all the others by then: it is redacted as whatever else was written.
    """
    others = Message.objects.filter(letter=OuterRef("pk")).exclude(account=account)
    own = Letter.objects.filter(messages__account=account, is_bulk=False).exclude(Exists(others))
    Letter.objects.filter(pk__in=list(own.values_list("pk", flat=True))).update(subject="", text="")
    for letter in Letter.objects.filter(
        Exists(others.filter(state=Message.State.WAITING)), is_bulk=True
    ).order_by("pk"):
        if names.within(letter.subject, letter.text):
            raise VerbRefused(
                "A bulk email that names this person is still being sent. Wait until it is done.",
                account,
            )


def erase_from_jobs(account: User, names: NameMatcher, past: search_terms.PastValues) -> None:
    """The account's own jobs lose its name; others lose what they hold of it. One that still runs
    must not lose its aim.
    """
    open_jobs = Job.objects.exclude(state__in=ENDED_STATES).order_by("id")
    for job in open_jobs.only(
        "id", "selection", "words", "parameters", "reason", "note"
    ).iterator():
        if names.within(job.selection, job.words, job.parameters, job.reason, job.note):
            raise VerbRefused(
                f"Job {job.pk} names this person and has not finished. Cancel it or wait for it.",
                account,
            )
    Job.objects.filter(by=account).update(by_text="", origin={})
    jobs = list(Job.objects.order_by("id").values_list("id", flat=True))
    for some in split_batches(jobs, BATCH_SIZE):  # the index begins with the job: each is one look
        JobItem.objects.filter(job_id__in=some, account_id=account.pk).update(
            before=None, reason=""
        )
    for username in past["username"]:
        erase_from_job_texts(username)


def erase_from_job_texts(username: str) -> None:
    """What Rollcall has written of who did something to a job, also where the name is a word that
    is not sought elsewhere.
    """
    said = re.compile(rf"(?<!\w){re.escape(username)}(?!\w)")
    for text, rows in (
        ("text", JobLine.objects.all()),
        ("note", Job.objects.filter(state__in=ENDED_STATES)),
    ):
        by = Q(**{f"{text}__contains": f" by {username}"}) | Q(
            **{f"{text}__contains": f"{username} may not"}
        )
        for pk, old in list(rows.filter(by).values_list("pk", text)):
            rows.filter(pk=pk).update(**{text: said.sub(ERASED_TEXT, old)})
    undone = list(Job.objects.filter(parent__isnull=False).values_list("id", flat=True))
    for some in split_batches(undone, BATCH_SIZE):
        left = JobItem.objects.filter(job_id__in=some, outcome=JobItem.Outcome.SKIPPED)
        left.filter(reason__startswith=f"{CHANGED_SINCE_PREFIX}{username}:").update(
            reason="Changed since."
        )


def split_batches(ids: list[int], size: int) -> list[list[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def delete_saved_searches(account: User, names: NameMatcher, by: Any) -> None:
    """The account's own, and those of others that search for it: they would find nobody any more."""
    others = SavedView.objects.exclude(owner=account).order_by("pk")
    about = [view.pk for view in others.iterator() if names.within(view.name, view.query)]
    gone = SavedView.objects.filter(Q(owner=account) | Q(pk__in=about))
    for view in gone.filter(shared=True):
        record_event("view.deleted", actor=by, before={"view": view.pk, "shared": True})
    gone.delete()


def erase_events(account: User) -> None:
    """The trail keeps who did what kind of thing when to which account, and the names of the
    fields.
    """
    about = AuditEvent.objects.filter(target_id=account.pk)
    chain.blank_events(about, "target")
    from_outside = about.filter(actor_id=None).exclude(ip=None, user_agent="")
    chain.blank_events(
        from_outside, "actor"
    )  # a request of nobody who was signed in: most likely of this person
    done = AuditEvent.objects.filter(actor_id=account.pk)
    chain.blank_events(done, "actor")
    chain.blank_events(
        done.filter(action="job.parked", target_id=None), "target"
    )  # the reason says whose job it was
