"""A factor that is removed while somebody uses it was not used."""

import pytest
from allauth.mfa.models import Authenticator

from tests.builders import make_user
from tests.factors.factors import app_code, give_app
from users.factors import verification
from users.factors.verification import use_code

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_code_of_an_app_that_was_just_removed_is_wrong(monkeypatch):
    ada = make_user()
    give_app(ada)
    check = verification.use_code_of

    def check_and_remove(authenticator: Authenticator, code: str) -> bool:
        is_valid = check(authenticator, code)
        Authenticator.objects.filter(pk=authenticator.pk).delete()
        return is_valid

    monkeypatch.setattr(verification, "use_code_of", check_and_remove)
    assert use_code(ada, app_code()) is None
