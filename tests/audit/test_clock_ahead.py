"""The database's clock was a day ahead for a while: nothing waits until that day has come."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from tests.audit.tampering import make_events, sealed
from tests.audit.tree.logs import grow, use_key
from users.audit.anchors import write_anchor
from users.audit.chain import seal_waiting_events
from users.audit.feeds.delivery import claim_feed
from users.audit.feeds.models import Feed
from users.audit.models import ChainHead
from users.audit.tasks import verify_audit_trail
from users.audit.tree.deliveries import deliver_newest
from users.audit.tree.models import AnchorDelivery
from users.audit.verification.chain_check import verify_chain
from users.audit.verification.models import VerificationRun

pytestmark = pytest.mark.django_db


def ahead():
    return timezone.now() + timedelta(days=1)


def test_events_are_sealed_and_anchored():
    sealed(2)
    ChainHead.objects.update(sealed_until=ahead(), looked_at=ahead(), anchored_at=ahead())
    [event] = make_events(1)
    assert seal_waiting_events() == 1
    assert verify_chain().fault == ""
    assert write_anchor()
    head = ChainHead.objects.get()
    assert max(head.sealed_until, head.looked_at, head.anchored_at) <= timezone.now()
    assert head.settled_id == event.pk - 1


def test_checkpoints_are_delivered(settings, tmp_path: Path):
    use_key(settings, tmp_path)
    settings.AUDIT_ANCHOR_EMAILS = ["audit@example.com"]
    grow(1)
    deliver_newest()
    grow(1)
    AnchorDelivery.objects.update(tried_at=ahead(), delivered_at=ahead() + timedelta(hours=1))
    deliver_newest()
    assert len(mail.outbox) == 2


def test_the_verification_runs():
    sealed(1)
    VerificationRun.objects.create(
        kind="quick", started_at=ahead() + timedelta(1), finished_at=ahead(), last_position=1
    )
    VerificationRun.objects.create(
        kind="full", started_at=timezone.now(), claimed_until=ahead(), last_position=1
    )
    verify_audit_trail()
    done = VerificationRun.objects.filter(finished_at__lte=timezone.now())
    assert sorted(done.values_list("kind", "fault")) == [("full", ""), ("quick", "")]


def test_feeds_are_sent():
    Feed.objects.create(name="webhook", claimed_until=ahead(), due_at=ahead())
    assert claim_feed("webhook")
