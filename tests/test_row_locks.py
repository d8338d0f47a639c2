"""The lock on the row of an account, which every change takes first."""

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from tests.builders import make_user
from tests.threads import at_once
from users.models import User
from users.row_locks import lock_account

pytestmark = pytest.mark.django_db


def test_a_locked_account_is_read_again():
    stale = make_user(username="ada", phone="")
    other = make_user(username="bob")
    User.objects.filter(pk=stale.pk).update(phone="+49301234567")
    assert lock_account(stale).phone == "+49301234567"
    assert lock_account(other) == other


def test_an_account_that_is_gone_is_not_locked():
    gone = make_user()
    User.objects.filter(pk=gone.pk).delete()
    with pytest.raises(User.DoesNotExist):
        lock_account(gone)


@pytest.mark.django_db(transaction=True)
def test_an_account_is_locked_in_a_transaction_only():
    with pytest.raises(TransactionManagementError):
        lock_account(make_user())


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_else_gets_a_locked_row():
    ada = make_user()
    bob = make_user()

    def free_accounts() -> set[User]:
        with transaction.atomic():
            return {*User.objects.select_for_update(of=("self",), skip_locked=True)}

    for _ in range(2):  # the second time the query is compiled already
        with transaction.atomic():
            lock_account(ada)
            assert at_once(free_accounts) == [{bob}]
        assert at_once(free_accounts) == [{ada, bob}]
