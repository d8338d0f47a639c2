"""The log for programs, under /audit/log/ (C2SP tlog-tiles): checkpoint, tiles and entries.

Staff who may see the audit trail can read it, and whoever sends AUDIT_LOG_TOKEN.
"""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from users import access
from users.audit.tree.integration import sealed_hashes
from users.audit.tree.merkle import HASH_SIZE
from users.audit.tree.models import LogTile, TreeHead
from users.audit.tree.notes import NOTE_TYPE
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.tiles import (
    ENTRIES,
    TILE_WIDTH,
    TilePath,
    TreeFault,
)
from users.metrics.bearer_token import has_token

# An entry is a chain hash, with its length in front.
ENTRY_LENGTH = HASH_SIZE.to_bytes(2, "big")


@require_safe
def show_log_checkpoint(request) -> HttpResponse:
    if not may_read_log(request):
        return refuse_token()
    checkpoint = latest_checkpoint()
    if checkpoint is None:
        raise Http404
    return HttpResponse(checkpoint.full_note, content_type=NOTE_TYPE)


@require_safe
def show_tile(request, path: str) -> HttpResponse:
    if not may_read_log(request):
        return refuse_token()
    tile = TilePath.parse(path)
    data = read_tile(tile) if tile else b""
    if not data:
        raise Http404
    return HttpResponse(data, content_type="application/octet-stream")


def may_read_log(request) -> bool:
    """Returns whether the request has the token or comes from staff. Raises Denied for staff who
    may not see the audit trail.
    """
    token = settings.AUDIT_LOG_TOKEN
    if token and has_token(request, token):
        return True
    viewer = request.user
    if not viewer.is_authenticated or viewer.must_change_password:
        return False
    access.require(viewer, "view_audit")
    return True


def refuse_token() -> HttpResponse:
    text = "Sign in, or send AUDIT_LOG_TOKEN as “Authorization: Bearer …”.\n"
    challenge = {"WWW-Authenticate": "Bearer"}
    return HttpResponse(
        text,
        status=401,
        headers=challenge,
        content_type=NOTE_TYPE,
    )


def read_tile(tile: TilePath) -> bytes:
    """Returns the content of a tile; b"" if the tree has no such tile."""
    if tile.level == ENTRIES:
        return read_entry_bundle(tile)
    found = LogTile.objects.filter(
        level=tile.level,
        number=tile.number,
        width__gte=tile.width,
    )
    data = found.values_list("data", flat=True).first()
    return bytes(data or b"")[: HASH_SIZE * tile.width]


def read_entry_bundle(tile: TilePath) -> bytes:
    """Returns the leaves of a tile of level 0, each with its length in front."""
    start = TILE_WIDTH * tile.number
    size = TreeHead.objects.values_list("size", flat=True).first() or 0
    if start + tile.width > size:
        return b""
    try:
        joined = sealed_hashes(start, start + tile.width)
    except TreeFault:
        return b""
    leaves = [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]
    return b"".join(ENTRY_LENGTH + leaf for leaf in leaves)
