"""Secrets are encrypted at rest, and SECRET_KEY can be replaced."""

import pytest
from allauth.mfa.models import Authenticator

from tests.builders import make_user
from tests.factors.factors import SECRET, app_code, give_app, stored_secret
from users.factors.encryption import has_current_key
from users.factors.tasks import renew_factor_encryption
from users.factors.verification import use_code

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW_KEY = "another-secret-key-of-the-tests-0123456789-abcdefghij-klmno"


def test_factors_survive_a_new_secret_key(settings):
    ada = make_user()
    codes = give_app(ada)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = NEW_KEY
    assert use_code(ada, codes[0]) is None  # nobody can read them
    settings.SECRET_KEY_FALLBACKS = [old]
    assert stored_secret(ada) == SECRET
    assert renew_factor_encryption() == 2
    assert renew_factor_encryption() == 0
    settings.SECRET_KEY_FALLBACKS = []
    app, recovery = Authenticator.objects.order_by("pk")
    assert has_current_key(app.data["secret"])
    assert has_current_key(recovery.data["seed"])
    assert use_code(ada, codes[0]) is not None
    assert use_code(ada, app_code()) is not None
