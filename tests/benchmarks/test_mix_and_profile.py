"""bin/bench --mix and --profile, without Locust and without a web server."""

import pytest

from benchmarks.cases import Case
from benchmarks.page_profile import write_profile
from benchmarks.team_mix import mix_report
from benchmarks.team_terms import form_fields
from tests.builders import PASSWORD, make_superuser, make_user
from users.jobs.models import Job

pytestmark = pytest.mark.sqlite  # of the reports, and not of the database


def test_the_report_of_the_mix_has_a_line_for_each_number_of_processes():
    locust = {"Name": "Aggregated", "Requests/s": "98.76", "50%": "12", "95%": "40"}
    results = {number: [locust | {"Failure Count": str(number)}] for number in (1, 2)}
    lines = mix_report({"accounts": 5000}, results).text.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "98.8" in line]
    assert cells == [["1", "all", "98.8", "12", "40", "1"], ["2", "all", "98.8", "12", "40", "2"]]


@pytest.mark.django_db
def test_the_team_can_start_a_bulk_job(client):
    root = make_superuser()
    client.force_login(root)
    path = f"/users/bulk/password-change/?ids={make_user(password=PASSWORD).pk}"
    fields = form_fields(client.get(path).text)
    assert fields["count"] == "1"
    assert client.post(path, fields | {"reason": "Load"}).status_code == 302
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_a_profile_names_the_functions_of_the_page(tmp_path):
    make_superuser()
    file = write_profile(Case("list", {"rollcall": "/users/"}), 1, tmp_path / "profile.html")
    assert "users/directory/views.py" in file.read_text()
