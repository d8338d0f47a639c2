"""The digest of a set of ids is the same on each database, and another one for any other set."""

from hashlib import sha256

import pytest
from django.db.models import F

from tests.builders import make_user
from users.database.id_digest import digest_ids
from users.models import User

pytestmark = pytest.mark.django_db


def digest(ids: list[int]) -> tuple[int, str]:
    rows = User.objects.filter(pk__in=ids).order_by("-username").values(selected=F("pk"))
    return digest_ids(rows, "selected")


def test_it_is_sha256_over_the_ids_in_ascending_order():
    ids = sorted([make_user().pk for _ in range(9)] + [make_user(pk=2**40 + 3).pk])
    content = b"".join(pk.to_bytes(8, "big") for pk in ids)
    assert digest(ids) == (10, sha256(content).hexdigest())


@pytest.mark.parametrize("rows", [User.objects.none(), User.objects.filter(pk__lt=0)])
def test_no_accounts_have_a_digest_too(rows):
    assert digest_ids(rows.values(selected=F("pk")), "selected") == (0, sha256().hexdigest())


def test_sets_with_equal_sums_have_different_digests():
    """Four ids and four others: as many, the same sum and the same sum of squares."""
    base = 1000
    for number in range(8):
        make_user(pk=base + number)
    one = [base + number for number in (0, 3, 5, 6)]
    other = [base + number for number in (1, 2, 4, 7)]
    assert sum(one) == sum(other)
    assert sum(pk * pk for pk in one) == sum(pk * pk for pk in other)
    assert digest(one)[0] == digest(other)[0] == 4
    assert digest(one)[1] != digest(other)[1]


def test_rows_are_read_in_batches(monkeypatch):
    ids = [make_user().pk for _ in range(7)]
    whole = digest(ids)
    monkeypatch.setattr("users.database.id_digest.BATCH_ROWS", 2)
    assert digest(ids) == whole
