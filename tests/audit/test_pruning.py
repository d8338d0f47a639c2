"""manage.py audit_prune: old events are removed, and what is left still verifies."""

from datetime import timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.audit.tampering import execute, without_triggers
from tests.audit.tree.logs import use_key
from tests.builders import make_user
from users.audit import chain, pruning, unused_ids
from users.audit.anchors import Anchor
from users.audit.feeds.models import DeadLetter, Feed
from users.audit.models import AuditEvent, ChainHead
from users.audit.retention import YEAR, remove_old_values
from users.audit.tasks import verify_audit_trail
from users.audit.tree import signing
from users.audit.tree.checkpoint_signatures import stored_keys, verify_checkpoints
from users.audit.tree.models import LogTile, SignedCheckpoint
from users.audit.verification import chain_check, runs
from users.audit.verification.models import VerificationRun
from users.dashboard.models import DailyCount
from users.dashboard.rollups import advance_rollups, rebuild_rollups
from users.management.commands import audit_prune
from users.webhooks.models import WebhookSubscription

RANGE = 256
pytestmark = pytest.mark.django_db


@pytest.fixture
def trail(settings, tmp_path, monkeypatch):
    """A signed log of 600 events: 300 are nine years old, 250 five years, 50 new ones."""
    for module in (audit_prune, pruning, chain_check, runs):
        monkeypatch.setattr(module, "RANGE_SIZE", RANGE)
    use_key(settings, tmp_path)
    settings.AUDIT_VALUE_YEARS = 3
    target = make_user(username="kim")
    add_events(300, 9, target)
    add_events(250, 5, target)
    add_events(50, 0, target)
    remove_old_values()
    # Their time does not fit the ids that were counted, so all count as settled.
    ChainHead.objects.update(settled_id=AuditEvent.objects.latest("pk").pk)
    unused_ids.record_unused_ids()
    finish_reading()
    return target


def add_events(number: int, years_ago: float, target) -> None:
    event = {
        "at": timezone.now() - years_ago * YEAR,
        "action": "account.suspended",
        "target_id": target.pk,
        "target_text": "kim",
        "reason": "Spam",
    }
    AuditEvent.objects.bulk_create([AuditEvent(**event) for _ in range(number)])
    ChainHead.objects.update(sealed_until=None)
    chain.seal_waiting_events()
    signing.update_log()


def finish_reading() -> None:
    """Lets the sealing, the tree and the dashboard read all events."""
    chain.seal_waiting_events()
    signing.update_log()
    while not advance_rollups():
        pass


def prune(years: int = 4, *options: str) -> str:
    output = StringIO()
    arguments = ["--years", str(years), "--reason", "The law", "--yes", *options]
    call_command("audit_prune", *arguments, stdout=output)
    return output.getvalue()


def verify(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_verify", *arguments, stdout=output)
    return output.getvalue()


def fault() -> str:
    return chain_check.verify_chain().fault


def events_at(first: int, last: int):
    return AuditEvent.objects.filter(chain_position__range=(first, last))


def test_old_events_go_in_whole_ranges_and_the_rest_verifies(trail):
    total = AuditEvent.objects.count()
    assert "512 events" in prune(4, "--dry-run")
    assert AuditEvent.objects.count() == total
    assert prune() == (
        f"Removed 512 events dated before {timezone.now() - 4 * YEAR:%Y-%m-%d}. "
        "The audit trail begins after position 512.\n"
    )
    assert AuditEvent.objects.count() == total - 512 + 2
    assert not events_at(1, 512).exists()
    finish_reading()
    assert f"{total - 512 + 2:,} events are unchanged" in verify()
    assert "512 older ones were removed, as the trail records" in verify()
    verify("--quick")
    verify("--resume")
    assert prune().startswith("Removed 0 events")


def test_nothing_is_removed_without_confirmation(trail):
    with (
        patch("builtins.input", lambda question: "n"),
        pytest.raises(CommandError, match="Nothing"),
    ):
        call_command("audit_prune", "--years=4", "--reason=The law")
    assert events_at(1, 512).count() == 512


def test_each_removal_is_recorded_with_reason_and_ticket(trail):
    prune(8, "--ticket", "OPS-7")
    record = AuditEvent.objects.get(action=pruning.PRUNED_ACTION)
    assert (record.reason, record.ticket) == ("The law", "OPS-7")
    assert (record.after["position"], record.after["events"]) == (256, 256)
    assert record.chain_position is not None


def test_checkpoints_and_anchors_of_removed_events_still_count(trail):
    event = events_at(100, 100).get()
    anchor = Anchor("2020-01-01", 100, bytes(event.chain_hash))
    notes = list(SignedCheckpoint.objects.order_by("size").values_list("note", flat=True))
    assert len(notes) > 2
    prune()
    checkpoints = verify_checkpoints(notes, stored_keys())
    assert chain_check.verify_chain([anchor], checkpoints).fault == ""
    wrong = anchor._replace(hash=bytes(32))
    assert "differs from the anchor" in chain_check.verify_chain([wrong]).fault


def test_without_its_record_a_removal_is_found(trail):
    last = events_at(256, 256).get()
    with without_triggers():
        events_at(1, 256).delete()
    assert "the event at position 1 is missing" in fault()
    changes = {"pruned_position": 256, "pruned_hash": last.chain_hash, "pruned_id": last.pk}
    ChainHead.objects.update(**changes)
    assert fault() == "the events up to position 256 are missing, and no event records why"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pruned_position": 512}, "and no event records why"),
        ({"pruned_hash": bytes(32)}, "and no event records why"),
        ({"pruned_position": 0}, "the event at position 1 is missing"),
        ({"pruned_id": 7}, "and no event records why"),
    ],
)
def test_a_head_that_differs_from_the_record_is_found(trail, change, words):
    prune(8)
    assert fault() == ""
    ChainHead.objects.update(**change)
    assert words in fault()


def test_more_missing_events_than_recorded_are_found(trail):
    prune(8)
    with without_triggers():
        events_at(257, 300).delete()
    assert "the event at position 257 is missing" in fault()


def test_an_event_in_the_place_of_a_removed_one_is_found(trail):
    prune(8)
    execute("UPDATE users_auditevent SET chain_position = 9 WHERE chain_position = 599")
    assert "it was inserted" in fault()


def test_a_changed_tile_of_removed_events_is_found(trail):
    prune(8)
    tile = LogTile.objects.get(level=0, number=0)
    LogTile.objects.filter(pk=tile.pk).update(data=bytes(tile.data)[:-32] + bytes(32))
    assert "differs from the tree" in fault()


def test_a_lost_tile_of_removed_events_is_named_by_an_anchor(trail):
    prune(4)
    LogTile.objects.get(level=0, number=0).delete()
    anchor = Anchor("2026-01-01T00:00:00Z", 10, b"x" * 32)
    verdict = chain_check.verify_chain([anchor])
    assert verdict.fault == "tile 0 of level 0 is missing or too short"


def test_a_run_that_was_under_way_continues_after_the_removed_events(trail):
    run = runs.start_run(VerificationRun.Kind.FULL)
    assert runs.claim_run(run)
    prune()
    finished = runs.finish_run(run)
    assert (finished.fault, finished.position) == ("", run.last_position)


def test_scheduled_runs_succeed(trail):
    prune()
    verify_audit_trail()
    assert set(VerificationRun.objects.values_list("fault", flat=True)) == {""}


def test_it_waits_for_the_removal_of_values(trail, settings):
    with patch.object(pruning, "removed_until", lambda: 300):
        assert "Removed 256 events" in prune()
        assert pruning.VALUES_STAY in prune()


def test_it_waits_for_tree_and_dashboard(trail):
    limit = timezone.now() - 4 * YEAR
    options = {"by": None, "reason": "The law"}
    with pytest.raises(pruning.NotPrunable, match="the dashboard has not read"):
        pruning.prune_range(limit, read_until=255, **options)
    with patch.object(pruning, "TreeHead") as head:
        head.objects.values_list.return_value.first.return_value = 255
        with pytest.raises(pruning.NotPrunable, match="the tree does not have"):
            pruning.prune_range(limit, read_until=600, **options)
    assert events_at(1, 256).count() == 256


def test_it_waits_for_webhooks(trail):
    webhook = WebhookSubscription.objects.create(name="SIEM", position=255)
    assert pruning.NOT_READ in prune()
    assert events_at(1, 256).count() == 256
    WebhookSubscription.objects.filter(pk=webhook.pk).update(position=300)
    assert "Removed 256 events" in prune()


def test_young_events_stay_whatever_the_head_says(trail):
    prune(8)
    ChainHead.objects.update(pruned_position=600)
    young = AuditEvent.objects.filter(chain_position=599)
    assert young.get().at > timezone.now() - timedelta(days=365)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        young.delete()


def test_an_old_event_that_no_pruning_names_stays(trail):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        events_at(1, 1).delete()


def test_the_years_must_be_a_number_that_is_accepted(trail):
    for years in (0, 101):
        with pytest.raises(CommandError, match="from 1 to 100"):
            prune(years)


def test_dead_letters_of_removed_events_go_with_them(trail):
    feed = Feed.objects.create(name="webhook", position=10_000)
    for event in (events_at(1, 1).get(), AuditEvent.objects.latest("pk")):
        DeadLetter.objects.create(feed=feed, event=event, at=timezone.now(), is_due=True)
    prune()
    [left] = DeadLetter.objects.all()
    assert AuditEvent.objects.filter(pk=left.event_id).exists()


def test_days_with_removed_events_keep_their_counts(trail):
    counts = {(row.metric, row.day): row.value for row in DailyCount.objects.all()}
    assert counts
    prune()
    rebuild_rollups(lambda text: None)
    assert {(row.metric, row.day): row.value for row in DailyCount.objects.all()} == counts


@pytest.mark.postgresql
def test_the_serving_role_may_not_prune(trail):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE pruning_test NOLOGIN")
        cursor.execute("GRANT USAGE ON SCHEMA public TO pruning_test")
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO pruning_test")
        cursor.execute(
            "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO pruning_test"
        )
        cursor.execute("SET LOCAL ROLE pruning_test")
        with pytest.raises(CommandError, match="Run the command as the role that owns"):
            prune()
        cursor.execute("RESET ROLE")
    assert events_at(1, 256).count() == 256
