"""Bulk jobs that programs start."""

import pytest

from tests.builders import make_user, make_users
from tests.bulk.running import start
from tests.tokens.builders import make_service

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_jobs_of_a_person_and_of_their_service_accounts_add_up(settings):
    settings.BULK_APPROVAL_ABOVE = 2
    agent = make_user("Support")
    first = make_service(owner=agent)
    second = make_service(owner=agent)
    foreign = make_service(owner=make_user("Support"))
    actors = (first, agent, second, foreign)
    jobs = [start("suspension", make_users(1), by=actor) for actor in actors]
    assert [job.state for job in jobs] == ["queued", "queued", "waiting", "queued"]
