"""A code works once, also for two requests at one instant."""

import pytest

from tests.builders import make_user
from tests.factors.factors import app_code, give_app
from tests.threads import at_once
from users.factors.verification import use_code

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def test_of_equal_codes_at_one_instant_one_works():
    ada = make_user()
    recovery = give_app(ada)[0]
    for code in (app_code(), recovery):
        results = at_once(*[lambda code=code: use_code(ada, code)] * 4)
        assert results.count(None) == 3, results
