"""Jobs in a browser: progress that moves by itself and stops asking at the end, and the number in
the rail.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_superuser, make_user
from tests.jobs.kinds import start
from users.jobs import worker
from users.jobs.models import Job

pytestmark = pytest.mark.postgresql  # as in production


def test_progress_moves_and_the_page_stops_asking_at_the_end(page: Page, browser_context, enter):
    root = make_superuser()
    for _ in range(30):
        make_user()
    enter(browser_context, root)
    job = start(root, expected=31)
    page.goto(f"/jobs/{job.pk}/")
    expect(page.locator(".rail .running")).to_contain_text("1")
    turn = worker.TimeSlice(worker.claim_job())
    turn.step()
    expect(page.locator(".counts .changed dd")).to_have_text("20")
    while turn.step() == worker.NextStep.CONTINUE:  # a slow chunk makes the next one smaller
        pass
    expect(page.locator(".headline .state")).to_have_text("Done")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)  # the whole page is a new one
    assert Job.objects.get(pk=job.pk).changed == 31
    expect(page.locator("#progress")).not_to_have_attribute("hx-get", f"/jobs/{job.pk}/")


def test_a_job_is_paused_resumed_and_cancelled_without_scripts(plain_page):
    root = make_superuser()
    job = start(root)
    page = plain_page(root)
    page.goto("/jobs/")
    page.get_by_role("link", name="Stamp").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="The job pauses")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel job").click()
    expect(page.locator(".headline .state")).to_have_text("Cancelled")
    assert Job.objects.get(pk=job.pk).state == "cancelled"
