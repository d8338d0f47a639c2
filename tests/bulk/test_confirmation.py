"""The token of a preview starts a job of the person who was shown it, and of nobody else."""

import pytest

from tests.builders import make_user
from tests.pages import read
from users.bulk.confirmation import Confirmation
from users.bulk.selection_count import SelectionCount
from users.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_a_token_is_its_makers():
    ann, bob = make_user("Manager"), make_user("Manager")
    made = Confirmation.new("suspension?ids=1", SelectionCount(9, True), SelectionCount(1, True))
    token = made.token_for(ann)
    assert Confirmation.read(token, ann) == made
    assert Confirmation.read(token, bob) is None


def test_nobody_starts_a_job_with_the_token_of_another(client):
    ann, bob, ada = make_user("Manager"), make_user("Manager"), make_user()
    path = f"/users/bulk/suspension/?ids={ada.pk}"
    client.force_login(ann)
    token = read(client.get(path)).one("input", name="token").attributes["value"]
    sent = {"token": token, "reason": "Because", "count": "1"}
    client.force_login(bob)
    assert client.post(path, sent).status_code == 409
    assert not Job.objects.exists()
    client.force_login(ann)
    assert client.post(path, sent).status_code == 302
    assert Job.objects.get().by == ann
