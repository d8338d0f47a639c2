"""Every page in light and dark, wide and narrow: what a program can check of WCAG 2.2 AA, and no
sideways scrolling.
"""

from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import make_people
from tests.builders import PASSWORD, make_superuser, make_user
from tests.directory.lists.pasting import paste_list
from tests.jobs.kinds import park, start
from users.directory.lists.models import PastedList
from users.formats.options import ReadOptions
from users.jobs.models import Job, JobItem
from users.mail.delivery import deliver_due_messages
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInEvent, SignInOutcome
from users.transfer.imports.inspection import inspect_upload
from users.transfer.imports.storage import store_upload
from users.transfer.models import ImportFile
from users.verbs.letter.verb import send_letter
from users.verbs.profile.verb import edit_profile
from users.verbs.suspension.verb import suspend_account

# What a page looks like has nothing to do with the database, and to look at all of them takes
# minutes.
pytestmark = pytest.mark.sqlite
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of what passed, only the number is sent from the browser.
RUN_AXE = """async (options) => {
  const { passes, violations } = await axe.run(document, options);
  return [passes.length, violations];
}"""
# The width of the window, and of what is in it.
WIDTHS = "[document.documentElement.clientWidth, document.documentElement.scrollWidth]"
# The names of boxes that are not squares, as beside a long label.
SHRUNK = """() => [...document.querySelectorAll("input:is([type=checkbox], [type=radio])")]
  .filter((box) => box.offsetWidth !== box.offsetHeight).map((box) => box.name)"""
# The texts of tabs with a line below them that can be seen.
LINES = """(all) => all.filter((one) => getComputedStyle(one).borderBottomColor
  !== getComputedStyle(document.body).backgroundColor).map((one) => one.textContent)"""
LONG = "Wolfeschlegelsteinhausenbergerdorff"


@pytest.fixture(autouse=True)
def axe_in_each_page(page) -> None:
    page.add_init_script(path=AXE)


@pytest.fixture
def root(live_server) -> User:
    """A superuser in a directory with awkward accounts: long names, no names, a history."""
    root = make_superuser(username="root", first_name=LONG, last_name=LONG, password=PASSWORD)
    make_people(30)
    User.objects.filter(username="person001").update(has_second_factor=True)
    User.objects.filter(username="person002").update(email_verified_at=timezone.now())
    ada = make_user(
        username="ada",
        first_name=LONG,
        last_name=LONG,
        email=f"{LONG}@{LONG}.example".lower(),
        attributes={"plan": "x" * 80},
    )
    edit_profile(ada, by=root, version=1, first_name="Ada", phone="+4915112345678")
    suspend_account(ada, by=root, reason="Reported for spam. " * 8)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    for outcome in SignInOutcome:
        SignInEvent.objects.create(
            account_id=ada.pk, outcome=outcome, ip="2001:db8:85a3::8a2e:370:7334", user_agent=agent
        )
    make_user(username="gone", status="deleted", deleted_at=timezone.now())
    make_user(username="invited", status="invited", email="invited@example.com")
    make_jobs(root)
    return root


def make_jobs(root: User) -> None:
    """One that has done most of it, one that runs, and one that was parked."""
    words = f"active accounts at {LONG}.example that were never seen and joined until 2026-03-31"
    jobs = [start(root, phone=str(number), words=words, expected=36) for number in range(3)]
    now = timezone.now()
    reasons = {"failed": "ValueError: the reason", "skipped": "Because " * 30}
    for account, (outcome, reason) in zip(
        (root, User.objects.get(username="ada")), reasons.items(), strict=True
    ):
        JobItem.objects.create(job=jobs[0], account=account, outcome=outcome, reason=reason)
    # An email can be sent to them.
    User.objects.filter(username="person001").update(email_verified_at=now)
    Job.objects.filter(pk=jobs[0].pk).update(
        state="done", selected=36, changed=34, failed=1, skipped=1, started_at=now, ended_at=now
    )
    Job.objects.filter(pk=jobs[1].pk).update(
        state="running", expected=1_234_567, changed=400_000, selected=400_000, rate=2345
    )
    park(jobs[2], "Three attempts ended with the death of their worker.")


def make_import(root: User) -> ImportFile:
    """A file with long names, and a value that does not fit."""
    rows = f"Email,{LONG}{LONG}\n{LONG}@example.org,{LONG}\nno address,{LONG}\n"
    file = store_upload([rows.encode()], f"{LONG}{LONG}.csv", root)
    inspect_upload(file, ReadOptions())
    return file


def make_list(root: User) -> PastedList:
    """A list with a long line of each outcome."""
    make_user(first_name=LONG, last_name=LONG)
    make_user(first_name=LONG, last_name=LONG)
    return paste_list(root, "ada", f"{LONG} {LONG}", f"{LONG}@{LONG}.example")


def addresses(root: User) -> list[str]:
    ada, gone, invited = (User.objects.get(username=name).pk for name in ("ada", "gone", "invited"))
    other, reached = (User.objects.get(username=f"person00{n}").pk for n in (1, 2))
    return [
        "/",
        "/mail/failed/",
        "/waiting/suspensions/",
        "/users/",
        "/users/?q=wolfe&status=suspended",
        "/users/?q=nobody-has-this",
        "/users/?sort=nonsense",
        "/users/new/",
        "/users/filters/",
        f"/users/{ada}/",
        f"/users/{gone}/",
        f"/users/{invited}/",
        f"/users/{root.pk}/",
        f"/users/{other}/edit/",
        f"/users/{ada}/sign-ins/",
        f"/users/{ada}/doctor/",
        f"/users/{other}/doctor/",
        f"/users/{root.pk}/sign-ins/",
        f"/users/{root.pk}/sessions/end/",
        f"/users/{other}/lockout/end/",
        "/users/doctor/",
        "/users/doctor/?q=persan001",
        *(
            f"/users/{ada}/{path}"
            for path in ("access/", "mail/", "notes/", "activity/", "history/", "history/?at=soon")
        ),
        f"/users/{ada}/history/phone/?at={timezone.now():%Y-%m-%d}",
        "/me/sessions/",
        "/me/sessions/end/",
        f"/users/{other}/roles/",
        f"/users/{other}/suspension/",
        f"/users/{invited}/invitation/",
        *(
            f"/users/{other}/{path}"
            for path in (
                "end-date/",
                "deletion/",
                "erasure/",
                "password-reset/",
                "verification/",
                "second-factor/reset/",
                "groups/",
            )
        ),
        f"/users/{gone}/deletion/end/",
        f"/users/{root.pk}/roles/",
        "/users/columns/",
        "/users/views/",
        "/users/views/new/?q=ada",
        f"/users/lists/{make_list(root).pk}/",
        "/users/lists/",
        "/users/999999/",
        "/audit/",
        f"/users/{reached}/letter/",
        f"/users/bulk/letter/?ids={other}",
        f"/users/bulk/export/?ids={other}",
        f"/users/bulk/attribute/?ids={other}",
        "/exports/",
        "/imports/",
        f"/imports/{make_import(root).pk}/mapping/",
        "/audit/?action=denied",
        "/audit/?actor=x",
        "/jobs/",
        "/jobs/?state=waiting",
        *(f"/jobs/{job}/" for job in Job.objects.values_list("pk", flat=True)),
        f"/jobs/{Job.objects.earliest('pk').pk}/cancellation/",
        "/me/",
        "/status/",
        "/me/password/",
        "/logout/",
    ]


STRANGERS = [
    "/login/",
    "/password/reset/",
    "/password/reset/sent/",
    "/password/chosen/",
    "/password/choose/1-abc-def/",
    "/signup/",
    "/inactive/",
    "/nowhere/",
]


def violations(page: Page) -> list[str]:
    """What axe finds, one line each."""
    if not page.evaluate("'axe' in window"):  # no script comes with set_content
        page.evaluate(AXE.read_text())
    # Selectors are not shown, and axe would compute one for each element.
    options = {"runOnly": RULES, "resultTypes": ["violations"], "selectors": False}
    passes, found_violations = page.evaluate(RUN_AXE, options)
    assert passes > 10
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for found in found_violations
        for node in found["nodes"]
    ]


def show(page: Page, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})


def faults(page: Page, address: str, looks: list[tuple[str, int]]) -> list[str]:
    """What is wrong with how an address is shown: each scheme at its width, and at the width of a
    small phone.
    """
    show(page, *looks[0])
    page.goto(address)
    found = []
    if not page.evaluate("document.styleSheets[0].cssRules.length > 100"):
        found.append("no stylesheet")
    for look in looks:
        if look != looks[0]:
            show(page, *look)
        found += [f"{look}: {fault}" for fault in violations(page) + too_wide(page)]
        found += [f"{look}: shrunk box {name}" for name in page.evaluate(SHRUNK)]
    page.set_viewport_size({"width": 320, "height": 900})
    return [f"{address}: {fault}" for fault in found + too_wide(page)]


def too_wide(page: Page) -> list[str]:
    width, whole = page.evaluate(WIDTHS)
    excess = whole - width
    return [f"{excess} px too wide at {width}"] if excess > 0 else []


@pytest.mark.long(25)
def test_every_page_of_the_back_office_can_be_read_by_everybody(page, browser_context, enter, root):
    enter(browser_context, root)
    looks = [("light", 1440), ("dark", 390)]
    found = [fault for address in addresses(root) for fault in faults(page, address, looks)]
    page.keyboard.press("?")
    assert found + violations(page) == []


def test_contrast_themes_show_matches_the_tab_and_the_room(page, browser_context, enter, root):
    enter(browser_context, root)
    page.emulate_media(forced_colors="active")
    page.goto("/users/?q=wolfe")
    mark = page.locator(".list mark").first
    colours = mark.evaluate(
        "(one) => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 0)"]
    room = page.locator(".rooms [aria-current]")
    others = page.locator(".rooms a:not([aria-current])")
    assert background(room) != background(others.first)
    page.goto(f"/users/{root.pk}/access/")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Access")
    assert page.locator(".tabs a").evaluate_all(LINES) == ["Access"]


def background(element: Locator) -> str:
    return element.evaluate("(one) => getComputedStyle(one).backgroundColor")


def test_every_page_for_strangers_can_be_read_by_everybody(page, root):
    looks = [("light", 390), ("dark", 1440)]
    assert [fault for address in STRANGERS for fault in faults(page, address, looks)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forms_with_errors_can_be_read_by_everybody(page, browser_context, enter, root, scheme):
    show(page, scheme, 390)
    page.goto("/login/")
    page.fill("#id_login", "root")
    page.fill("#id_password", "wrong")
    page.click("button.primary")
    page.wait_for_selector("[role=alert]")
    found = violations(page)
    enter(browser_context, root)
    other = User.objects.get(username="person001")
    page.goto(f"/users/{other.pk}/edit/")
    edit_profile(other, by=root, version=1, first_name="Adelaide", phone="12345")
    page.fill("#id_first_name", LONG * 3)
    page.click("main button.primary")
    page.wait_for_selector(".versions")
    found += violations(page) + too_wide(page)
    page.goto(f"/users/{other.pk}/edit/")
    page.fill("#id_phone", "call me")
    page.fill("#id_username", "not a name")
    page.click("main button.primary")
    page.wait_for_selector("[aria-invalid=true]")
    found += violations(page) + too_wide(page)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_can_be_read_by_everybody(page, root, scheme):
    Message.objects.create(
        account=User.objects.get(username="invited"), kind="invitation", to="invited@example.com"
    )
    Message.objects.create(account=root, kind="password-reset", to=root.email)
    make_user(username="told", status="suspended", email="told@example.com")
    for username, kind in (("told", "suspended"), ("root", "reinstated"), ("root", "verification")):
        account = User.objects.get(username=username)
        Message.objects.create(account=account, kind=kind, to=account.email)
    told = User.objects.get(username="told")
    User.objects.filter(pk=told.pk).update(email_verified_at=timezone.now(), last_name=LONG * 2)
    send_letter(told, by=root, subject="Hello {name}", text="Dear {name},\n\n" + "long " * 80)
    deliver_due_messages()
    show(page, scheme, 320)
    for message in mail.outbox:
        page.set_content(message.alternatives[0].content)
        found = [
            line for line in violations(page) if not line.startswith(("landmark", "region"))
        ]  # a mail is no page
        assert found == []
        assert too_wide(page) == []
    assert len(mail.outbox) == 6
