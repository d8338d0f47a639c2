"""Whatever is done to sealed events, checkpoints or the database as a whole is found and named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit.tampering import execute, forge_all, make_events, sealed
from tests.audit.test_event_order import insert
from tests.audit.tree.logs import grow, use_key
from users.audit import chain
from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.models import LogTile, SignedCheckpoint, TreeHead
from users.audit.tree.notes import CheckpointText, SignedNote
from users.audit.tree.signatures import SigningKey
from users.audit.verification.chain_check import verify_chain

pytestmark = pytest.mark.django_db
UPDATE = "UPDATE users_auditevent SET"


def move_event(old: int, new: int) -> None:
    execute(f"{UPDATE} chain_position = %s WHERE chain_position = %s", new, old)


def delete_middle() -> None:
    execute("DELETE FROM users_auditevent WHERE chain_position = 3")


def delete_renumbered() -> None:
    delete_middle()
    for position in range(4, 7):
        move_event(position, position - 1)


def delete_last() -> None:
    execute("DELETE FROM users_auditevent WHERE chain_position > 4")


def swap_events() -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        move_event(old, new)


def insert_event() -> None:
    """Puts an event with a right hash between two sealed ones."""
    for position in range(6, 2, -1):
        move_event(position, position + 1)
    second = AuditEvent.objects.get(chain_position=2)
    [forged] = make_events(1)
    end = ChainHead.objects.values("position", "hash").get()
    ChainHead.objects.update(position=2, hash=second.chain_hash)
    chain.seal_event(forged)
    ChainHead.objects.update(position=end["position"] + 1, hash=end["hash"])


def change_time() -> None:
    execute(f"{UPDATE} at = '2020-01-01 00:00:00+00' WHERE chain_position = 3")


def replace_actor() -> None:
    execute(f"{UPDATE} actor_id = 99, actor_text = 'x' WHERE chain_position = 3")


def insert_outside() -> None:
    """Puts an event where a verification by position would not look."""
    [forged] = make_events(1)
    execute(f"{UPDATE} chain_position = -4 WHERE id = %s", forged.pk)


@pytest.mark.parametrize(
    ("tamper", "kind", "named"),
    [
        (delete_middle, "missing", "position 3 "),
        (delete_renumbered, "missing", "position 3 "),
        (delete_last, "truncated", "ends at position 4 "),
        (swap_events, "reordered", "position 3 "),
        (insert_event, "inserted", "position 3 "),
        (insert_outside, "inserted", "position -4, which does not exist in the chain"),
        (change_time, "edited", "position 3 "),
        (replace_actor, "edited", "position 3 "),
    ],
)
def test_a_change_of_sealed_events_is_named(tamper: Callable[[], None], kind: str, named: str):
    sealed(6)
    assert verify_chain().fault == ""
    tamper()
    verdict = verify_chain()
    assert (verdict.kind, named in verdict.fault) == (kind, True), verdict.fault


def test_a_clock_that_was_set_back_is_named():
    insert("2026-01-02T10:00:00Z")
    insert("2026-01-02T06:00:00Z")
    chain.seal_waiting_events()
    assert verify_chain().kind == "wrong_time"


def test_an_event_that_waits_for_its_seal_too_long_is_named():
    sealed(1)
    [event] = make_events(1)
    ChainHead.objects.update(looked_at="2026-01-02T00:00Z", sealed_until=None)
    execute(f"{UPDATE} at = '2026-01-01 00:00:00+00' WHERE id = %s", event.pk)
    verdict = verify_chain()
    assert verdict.kind == "unsealed"
    assert f"event {event.pk} has waited for its seal since 2026-01-01" in verdict.fault


# The first event has zeros for the hash before it, so they would be no change.
BYTES = st.binary(min_size=32, max_size=32).filter(any)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)
NUMBERS = st.integers(1000, 2**31)
COLUMNS = {
    "id": NUMBERS,
    "actor_id": NUMBERS,
    "actor_text": TEXTS,
    "action": TEXTS,
    "target_id": NUMBERS,
    "target_text": TEXTS,
    "target_version": NUMBERS,
    "reason": TEXTS,
    "ticket": TEXTS,
    "user_agent": TEXTS,
    "request_id": TEXTS,
    "session_id": st.uuids().map(lambda session: session.hex),
    "job_id": NUMBERS,
    "chain_position": NUMBERS,
    "chain_salt": BYTES,
    "chain_previous": BYTES,
    "chain_hash": BYTES,
    "target_digest": BYTES,
    "actor_digest": BYTES,
    "erased_at": st.just("2026-01-01 00:00:00+00"),
    "at": st.datetimes().map(lambda at: f"{at.replace(year=2001):%Y-%m-%d %H:%M:%S}+00"),
}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_change_of_any_sealed_row_is_found(data):
    column = data.draw(st.sampled_from(sorted(COLUMNS)))
    value = data.draw(COLUMNS[column])
    with transaction.atomic():
        events = sealed(3)
        place = data.draw(st.integers(0, 2))
        execute(f"{UPDATE} {column} = %s WHERE id = %s", value, events[place].pk)
        assert verify_chain().fault, (column, value, place)
        transaction.set_rollback(True)


# --- by what is kept elsewhere --------------------------------------------------------------------


@pytest.fixture
def key(settings, tmp_path: Path) -> SigningKey:
    return use_key(settings, tmp_path)


def text_of(checkpoint: SignedCheckpoint) -> CheckpointText:
    return CheckpointText.parse(SignedNote.parse(checkpoint.note).text)


def rewrite_all() -> None:
    """Recomputes chain and tree over a changed event, without the key."""
    execute(f"{UPDATE} reason = 'another' WHERE chain_position = 2")
    forge_all()
    for model in (LogTile, TreeHead):
        model.objects.all().delete()


def test_a_chain_that_was_recomputed_is_rewritten(key):
    kept = [text_of(grow(4))]
    rewrite_all()
    assert verify_chain().fault == ""
    assert verify_chain(checkpoints=kept).kind == "rewritten"


def test_a_fork_with_a_stolen_key_is_named(key):
    kept = [text_of(grow(4))]
    rewrite_all()
    SignedCheckpoint.objects.all().delete()
    grow(2)
    verdict = verify_chain(checkpoints=kept)
    assert verdict.kind == "forked"
    assert "the checkpoint of 6 events is signed for this other history" in verdict.fault


def test_the_backup_of_yesterday_is_truncated(key):
    grow(3)
    stale = ChainHead.objects.values("position", "hash").get()
    kept = [text_of(grow(2))]
    execute("DELETE FROM users_auditevent WHERE chain_position > 3")
    ChainHead.objects.update(**stale)
    assert verify_chain().fault == ""
    verdict = verify_chain(checkpoints=kept)
    assert (verdict.kind, "events from position 4" in verdict.fault) == ("truncated", True)


def test_a_deleted_checkpoint_is_named(key):
    first = grow(3)
    kept = [text_of(first), text_of(grow(2))]
    assert verify_chain(checkpoints=kept).fault == ""
    first.delete()
    verdict = verify_chain(checkpoints=kept)
    assert verdict.kind == "missing"
    assert verdict.fault == "the checkpoint of 3 events was deleted from the database"
