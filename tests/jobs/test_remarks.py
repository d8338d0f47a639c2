"""Sentences of jobs: composed when they are shown, with the actor's name of now."""

from datetime import UTC, datetime

import pytest

from tests.builders import make_user
from users.access import CommandActor
from users.audit.actions import ACTION_LABELS
from users.jobs.models import Job, JobItem, JobLine
from users.jobs.remarks import PARKED_CODES, SENTENCES, Remark, compose_sentence, remark_by
from users.models import User

SINCE = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
CHANGED = {"action": "account.edited", "at": SINCE.isoformat()}
COUNTS = {"changed": 1200, "skipped": 1, "failed": 0, "unchanged": 2}


@pytest.mark.parametrize(
    ("remark", "sentence"),
    [
        (Remark(text="Because {of} this"), "Because {of} this"),
        (Remark("queued"), "Queued."),
        (Remark("approved", 7), "Approved by ada."),
        (Remark("declined", 7), "Declined by ada."),
        (Remark("declined", 7, text="Too {many}"), "Declined by ada. Too {many}"),
        (Remark("worker_lost", details={"attempt": 3}), "The worker died during attempt 3."),
        (
            Remark("done", details=COUNTS),
            "Done: 1,200 changed, 1 skipped, 0 failed, 2 unchanged.",
        ),
        (
            Remark("initiator_refused", 7, text="No rights."),
            "ada may no longer do this: No rights.",
        ),
        (
            Remark("changed_since", 7, CHANGED),
            f"Changed since by ada: {ACTION_LABELS['account.edited']}, 1 Mar 2026, 12:05 UTC.",
        ),
        (
            Remark("changed_since", None, {**CHANGED, "action": "x.y", "actor": "command seed"}),
            "Changed since by command seed: x.y, 1 Mar 2026, 12:05 UTC.",
        ),
        (Remark("of_a_later_version", 7, {"x": 1}, "Text"), "Text"),
    ],
)
def test_a_remark_as_a_sentence(remark, sentence):
    assert compose_sentence(remark, User(pk=7, username="ada")) == sentence


@pytest.mark.parametrize("actor", [None, User(pk=7, username="erased-1", status="erased")])
def test_an_erased_actor_has_no_name(actor):
    since = "Changed since by an erased account: "
    assert compose_sentence(Remark("changed_since", 7, CHANGED), actor).startswith(since)
    refused = compose_sentence(Remark("initiator_refused", 7, text="No rights."), actor)
    assert refused == "An erased account may no longer do this: No rights."


def test_every_reason_to_park_a_job_has_a_sentence():
    assert SENTENCES.keys() >= PARKED_CODES


def test_a_command_is_named_and_has_no_id():
    remark = remark_by(CommandActor("bulk"), "paused")
    assert (remark.actor_id, compose_sentence(remark, None)) == (None, "Paused by command bulk.")


@pytest.mark.django_db
def test_rows_hold_the_id_and_show_the_name_of_now():
    ada = make_user(username="ada")
    job = Job.objects.create(kind="x", by_text="x")
    line = JobLine.objects.create(job=job, code="approved", actor=ada)
    item = JobItem.objects.create(
        job=job, account=ada, outcome="skipped", code="changed_since", actor=ada, details=CHANGED
    )
    User.objects.filter(pk=ada.pk).update(username="grace")
    line = JobLine.objects.get(pk=line.pk)
    item = JobItem.objects.get(pk=item.pk)
    assert (str(line), line.note) == ("Approved by grace.", "Approved by grace.")
    assert item.sentence.startswith("Changed since by grace: ")
    assert "ada" not in repr([vars(line), vars(item)])
    JobLine.objects.filter(pk=line.pk).update(actor=10**9)
    assert JobLine.objects.get(pk=line.pk).sentence == "Approved by an erased account."
