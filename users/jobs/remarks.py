"""Sentences of jobs: lines of the log, why a job has stopped, and why an account was skipped.

A row stores a code, the ID of the account that acted, details, and typed text. The sentence is
composed when it is shown, with the current name of the actor. So no stored sentence contains a
name, and an erasure does not depend on the wording.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from users.audit.actions import ACTION_LABELS
from users.database.failures import is_disk_full
from users.forgetting import ERASED_PERSON
from users.models import State, User
from users.typed_text import isolate_text
from users.web.time_html import full_time_text

REVOCATION_NOTE = (
    "The API token that started this job was revoked. Cancel this job, and start a new one if it is"
    " still needed."
)
SELECTION_CHANGED = (
    "The selected accounts have changed since approval was requested. Start the job again."
)
# By code. {text} was typed by a person or is an exception. Rows store the codes, so only the
# wording may change.
SENTENCES = {
    "": "{text}",
    # Lines of the log.
    "approval_asked": "Waiting for approval.",
    "queued": "Queued.",
    "requested_from_shell": "Requested from a shell on the server.",
    "approved": "Approved by {actor}.",
    "declined": "Declined by {actor}. {text}",
    "selection_differs": SELECTION_CHANGED + " Selected then: {then:,}; now: {now:,}.",
    "paused": "Paused by {actor}.",
    "resumed": "Resumed by {actor}.",
    "cancelled": "Cancelled by {actor}.",
    "worker_lost": "The worker died during attempt {attempt}.",
    "done": (
        "Done: {changed:,} changed, {skipped:,} skipped, {failed:,} failed, "
        "{unchanged:,} unchanged."
    ),
    "written": "Done: {unchanged:,} written, {skipped:,} skipped, {failed:,} failed.",
    "checked": (
        "Done: {changed:,} to create or update, {unchanged:,} unchanged, {skipped:,} rejected."
    ),
    "imported": (
        "Done: {changed:,} created or updated, {unchanged:,} unchanged, {skipped:,} rejected."
    ),
    "file_removed": "The file was removed because of an erasure. Upload it again.",
    # Reasons why a job was parked.
    "disk_full": "The server’s disk is full. Free some space, then resume the job.",
    "chunk_failed": "{text}",
    "selection_changed": SELECTION_CHANGED,
    # Stored by earlier releases.
    "kind_unknown": "This version of Rollcall does not support jobs of the kind “{kind}”.",
    "initiator_refused": "{actor} may no longer do this: {text}",
    "token_revoked": REVOCATION_NOTE,
    "workers_died": "The worker died in {attempts} attempts in a row, before anything was stored.",
    "accounts_failed": "{number} accounts in a row failed, the last one with {text}",
    # Reasons why an account was skipped.
    "changed_since": "Changed since by {actor}: {action}, {at}.",
    "changed_outside": "Changed since, outside Rollcall.",
    # Of undone imports: the name may become free while the rest is undone.
    "name_taken": "{text}",
}
PARKED_CODES = {
    "disk_full",
    "chunk_failed",
    "selection_changed",
    "kind_unknown",
    "initiator_refused",
    "token_revoked",
    "workers_died",
    "accounts_failed",
}
PARKED_LINE = "Stopped after errors: {}"


@dataclass(frozen=True)
class Remark:
    """The parts of a sentence. `details` are JSON without personal data."""

    code: str = ""
    actor_id: int | None = None
    details: dict[str, Any] | None = None
    text: str = ""

    def columns(self) -> dict[str, Any]:
        """Returns the columns of a RemarkRow; `text` goes into a column of the subclass."""
        return {"code": self.code, "actor_id": self.actor_id, "details": self.details}


def remark_by(actor: Any, code: str, text: str = "") -> Remark:
    """Returns a remark about an action of `actor`, which is an account or a command."""
    if actor.pk is None:
        return Remark(code, details={"actor": str(actor)}, text=text)
    return Remark(code, actor_id=actor.pk, text=text)


def failure_remark(error: Exception) -> Remark:
    """Returns why a job stops after one of its chunks has raised an exception."""
    if is_disk_full(error):
        return Remark("disk_full")
    return Remark("chunk_failed", text=f"{type(error).__name__}: {error}")


def compose_sentence(remark: Remark, actor: User | None) -> str:
    """Returns the sentence. `actor`: the account with the remark's `actor_id`, or None."""
    name = isolate_text(remark_actor_name(remark, actor))
    values = sentence_values(remark.details or {})
    values |= {"actor": name, "text": remark.text}
    sentence = SENTENCES.get(remark.code, SENTENCES[""]).format_map(values).strip()
    if sentence.startswith(ERASED_PERSON):
        return sentence[0].upper() + sentence[1:]
    return sentence


def remark_actor_name(remark: Remark, actor: User | None) -> str:
    """Returns the current name of the actor; neutral words if the account is erased."""
    if remark.actor_id is None:
        return str((remark.details or {}).get("actor", ""))
    if actor is None or actor.status == State.ERASED:
        return ERASED_PERSON
    return str(actor)


def sentence_values(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the details for a sentence, with the label of an action and times as text."""
    values = dict(details)
    if "action" in details:
        values["action"] = ACTION_LABELS.get(details["action"], details["action"])
    if "at" in details:
        values["at"] = full_time_text(datetime.fromisoformat(details["at"]))
    return values


class UnworkableJob(Exception):
    """The job cannot continue. `remark` is shown to those who may resume it."""

    def __init__(self, remark: Remark):
        super().__init__(remark.code)
        self.remark = remark
