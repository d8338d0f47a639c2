"""Anchors: written every ten minutes when the chain has grown, to a file and to the log."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.audit.tampering import sealed
from users.audit.anchors import read_anchors, write_anchor
from users.audit.models import ChainHead
from users.audit.tasks import seal_audit_chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "kept" / "anchors.log")
    return tmp_path / "kept" / "anchors.log"


def test_an_anchor_goes_to_the_file_and_to_the_log(file, caplog):
    last = sealed(2)[1]
    with caplog.at_level(logging.INFO):
        seal_audit_chain()
    [anchor] = read_anchors(file.read_text().splitlines())
    assert (anchor.position, anchor.hash) == (2, bytes(last.chain_hash))
    assert read_anchors(caplog.text.splitlines()) == [anchor]


def test_the_next_one_follows_when_the_chain_has_grown_and_ten_minutes_are_over(file):
    assert write_anchor() == ""  # an empty chain
    sealed(1)
    assert write_anchor()
    sealed(1)
    assert write_anchor() == ""
    ChainHead.objects.update(anchored_at=timezone.now() - timedelta(minutes=11))
    assert write_anchor()
    ChainHead.objects.update(anchored_at=timezone.now() - timedelta(minutes=11))
    assert write_anchor() == ""
    assert [anchor.position for anchor in read_anchors(file.read_text().splitlines())] == [1, 2]


def test_without_a_file_the_log_has_it(settings, caplog):
    settings.AUDIT_ANCHOR_FILE = ""
    sealed(1)
    with caplog.at_level(logging.INFO):
        assert write_anchor() in caplog.text


def test_a_file_that_cannot_be_written_stops_nothing(settings, tmp_path, caplog):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path)  # a folder
    sealed(1)
    assert write_anchor()
    assert "could not be written" in caplog.text


def test_anchors_are_read_in_order_and_out_of_any_lines():
    line = (
        "2026 INFO users.audit [-] audit-anchor at=2026-01-01T00:00:00Z position={} hash="
        + "a" * 64
    )
    lines = ["nothing", line.format(7), "audit-anchor at=x position=y hash=z", line.format(2), ""]
    assert [anchor.position for anchor in read_anchors(lines)] == [2, 7]
