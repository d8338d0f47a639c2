"""The pages about the transparency log: its checkpoints and its keys."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.audit.models import AuditEvent
from users.audit.tree.checkpoint_signatures import (
    CheckpointFault,
    TrustedKey,
    stored_keys,
    verify_checkpoint,
)
from users.audit.tree.log_state import log_state
from users.audit.tree.models import SignedCheckpoint, VerifierKey
from users.audit.tree.notes import (
    NOTE_TYPE,
    NoteError,
    Signature,
    SignedNote,
    encode_base64,
    parse_signatures,
)
from users.audit.tree.proofs import event_proof, is_covered
from users.audit.tree.signatures import is_valid_signature
from users.audit.tree.tiles import TreeFault
from users.audit.tree.witness_client import witness_keys
from users.identifiers import LARGEST_ID
from users.web.error_page import error_page
from users.web.paging import newest_page
from users.web.query_string import (
    check_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
)

PATH = "/audit/checkpoints/"
SIZE = 50


@require_safe
def list_checkpoints(request) -> HttpResponse:
    access.require(request.user, "view_audit")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(SignedCheckpoint.objects.all(), SIZE, after)
    keys = stored_keys()
    rows = [checkpoint_row(checkpoint, keys) for checkpoint in page.rows]
    context: dict[str, Any] = {"checkpoints": rows, "state": log_state()}
    return render(request, "users/audit/tree/checkpoints.html", context | page.links(PATH))


def checkpoint_row(checkpoint: SignedCheckpoint, keys: list[TrustedKey]) -> dict[str, Any]:
    """Returns what the list shows of a checkpoint. One that is not valid has no signers."""
    signers: list[str] = []
    witnesses: list[str] = []
    try:
        verify_checkpoint(checkpoint.note, keys)
        note = SignedNote.parse(checkpoint.note)
        signers = [each.key_id.hex() for each in note.signatures]
        cosignatures = parse_signatures(checkpoint.cosignatures)
        witnesses = [witness_label(note.text, each) for each in cosignatures]
    except (CheckpointFault, NoteError):
        pass
    return {
        "checkpoint": checkpoint,
        "root": encode_base64(bytes(checkpoint.root)),
        "signers": signers,
        "witnesses": witnesses,
    }


def witness_label(text: str, cosignature: Signature) -> str:
    """Returns the name of the witness under a checkpoint, and what is wrong with its signature."""
    own = (cosignature.name, cosignature.key_id)
    keys = [key for key in witness_keys() if (key.name, key.key_id) == own]
    if not keys:
        return f"{cosignature.name} (unknown key)"
    if not is_valid_signature(keys[0], text, cosignature):
        return f"{cosignature.name} (not valid)"
    return cosignature.name


@require_safe
def download_checkpoint(request, pk: int) -> HttpResponse:
    """Returns the signed note of a checkpoint as a file."""
    access.require(request.user, "view_audit")
    found = SignedCheckpoint.objects.filter(pk=pk).first() if pk <= LARGEST_ID else None
    if found is None:
        raise Http404
    name = f"checkpoint-{found.size}.txt"
    return HttpResponse(
        found.full_note,
        content_type=NOTE_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def download_proof(request, pk: int) -> HttpResponse:
    """Returns the proof that the log has an event, as a file."""
    access.require(request.user, "view_audit")
    event = AuditEvent.objects.filter(pk=pk).first() if pk <= LARGEST_ID else None
    if event is None or not is_covered(event.chain_position):
        raise Http404
    name = f"event-{pk}.tlog-proof"
    try:
        proof = event_proof(event)
    except TreeFault as fault:
        message = f"The log is damaged: {fault}. Tell whoever operates Rollcall."
        return error_page(
            request, 409, message, back=f"/audit/{pk}/", back_label="Back to the event"
        )
    return HttpResponse(
        proof,
        content_type=NOTE_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def show_keys(request) -> HttpResponse:
    access.require(request.user, "view_audit")
    keys = VerifierKey.objects.order_by("-pk")
    context = {
        "current": keys.filter(last_size=None),
        "former": keys.exclude(last_size=None),
        "log_url": f"{settings.SITE_URL}/audit/log/",
        "has_token": bool(settings.AUDIT_LOG_TOKEN),
    }
    return render(request, "users/audit/tree/keys.html", context)
