"""manage.py bulk ACTION: what the pages of the bulk actions do, from a shell, through the same
gate.
"""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from users import access, masking
from users.audit.record import record_denial
from users.bulk.action import BulkAction, start_bulk_job
from users.bulk.forms import BulkForm
from users.bulk.preview import Preview, preview_action
from users.bulk.registry import ordered_actions
from users.bulk.selection import Selection
from users.directory.filter import BadFilter
from users.exceptions import JobRefused
from users.jobs import transitions, worker
from users.jobs.models import Job
from users.jobs.remarks import Remark
from users.models import User

BAR_WIDTH = 30  # of the bar
LINE_SECONDS = 5  # seconds between two lines where nobody watches
ITEM_COUNTS = ("changed", "skipped", "failed", "unchanged")


class Command(BaseCommand):
    help = (
        "Runs a bulk action on all accounts of a filter, as a job for the workers. It runs in the "
        "name of an account and with its permissions. Large jobs wait for the approval of a second "
        "person. Interrupting the command does not stop the job. "
        "Exit code 1: the job did not succeed; 2: nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", help=", ".join(sorted(actions_by_name())))
        parser.add_argument(
            "--filter",
            required=True,
            help=(
                "a filter as in the URL of the directory, such as "
                "“status=active&domain=example.com”"
            ),
        )
        parser.add_argument(
            "--by", required=True, metavar="USERNAME", help="the account that runs the action"
        )
        parser.add_argument("--reason", default="", help="the reason, visible in the audit trail")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=(
                "a field of the action, such as until=2027-01-31T12:00, groups=Auditor, "
                "field=locale value=de"
            ),
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show the impact without starting a job"
        )
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the job to finish"
        )
        parser.add_argument(
            "--here",
            action="store_true",
            help="run the job in this process instead of waiting for a worker",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        action = self.action(options["action"])
        by = self.account(options["by"])
        selection = self.selection(options["filter"], by)
        try:
            access.require(by, "view")
            access.require(by, action.action)
            form = self.filled(action, by, options)
            parameters = action.job_parameters(form.parameters())
            draft = Job(parameters=parameters, reason=form.given_reason)
            found = preview_action(action, selection, by, draft)
            self.show(action, selection, found)
            if options["dry_run"] or not found.count.value:
                self.stdout.write("Nothing was started.")
                return
            job = start_bulk_job(action, selection, found.count, by=by, draft=draft)
        except access.Denied as denied:
            record_denial(by, denied)
            raise CommandError(f"{by} may not do this: {denied.reason}", returncode=2) from denied
        except JobRefused as refused:
            raise CommandError(str(refused), returncode=2) from refused
        transitions.add_line(job, Remark("requested_from_shell"))
        self.accompany(job, options)

    def action(self, name: str) -> BulkAction:
        if name not in actions_by_name():
            raise CommandError(
                f"Unknown action “{name}”. Available: {', '.join(sorted(actions_by_name()))}.",
                returncode=2,
            )
        return actions_by_name()[name]

    def account(self, username: str) -> User:
        by = User.objects.filter(username=username).first()
        if by is None:
            raise CommandError(f"There is no account “{username}”.", returncode=2)
        return by

    def selection(self, query: str, by: User) -> Selection:
        try:
            return Selection.parse(
                QueryDict(f"{query}&all=1"), masked=masking.hides_personal_data(by)
            )
        except BadFilter as error:
            raise CommandError(f"--filter: {error}", returncode=2) from error

    def filled(self, action: BulkAction, by: User, options: dict[str, Any]) -> BulkForm:
        """Raises CommandError."""
        data = MultiValueDict(
            {"count": ["1"]} | ({"reason": [options["reason"]]} if options["reason"] else {})
        )
        for given in options["set"]:
            name, _, value = given.partition("=")
            data.appendlist(name, group_id(value) if name == "groups" else value)
        query = QueryDict(mutable=True)
        query.update(data)  # type: ignore[arg-type]  # which it is made for
        form: BulkForm = action.form(query, by=by)
        if strange := sorted(set(data) - set(form.fields)):
            raise CommandError(
                f"--set: this action does not accept {', '.join(strange)}.", returncode=2
            )
        if not form.is_valid():
            raise CommandError(
                "\n".join(option_errors(name, errors) for name, errors in form.errors.items()),
                returncode=2,
            )
        return form

    def show(self, action: BulkAction, selection: Selection, found: Preview) -> None:
        question = action.confirmation_question(found.count.words)
        self.stdout.write(f"{question[:-1]}: {selection.words}")
        for figure in found.figures:
            self.stdout.write(
                f"  {figure.label + ':':<28} "
                f"{figure.value}{f' ({figure.note})' if figure.note else ''}"
            )
        for number, why in found.skips:
            self.stdout.write(f"  {'Will be skipped:':<28} {number}. {why}")

    def accompany(self, job: Job, options: dict[str, Any]) -> None:
        if job.state == Job.State.WAITING:
            self.stdout.write(
                f"Job {job.pk} must be approved by a second person, at /jobs/{job.pk}/."
            )
            return
        self.stdout.write(f"Job {job.pk} is queued; its page is /jobs/{job.pk}/.")
        if options["no_wait"]:
            return
        self.follow(job, options["here"])
        counts = " + ".join(f"{getattr(job, name):,} {name}" for name in ITEM_COUNTS)
        self.stdout.write(
            f"{job.get_state_display()}: {job.selected:,} accounts = {counts}. {job.note}".rstrip()
        )
        if job.state != Job.State.DONE or job.failed:
            sys.exit(1)

    def follow(self, job: Job, here: bool) -> None:
        """Until it stands still."""
        said = time.monotonic()
        while True:
            job.refresh_from_db()
            still = job.has_ended or job.state in (Job.State.PARKED, Job.State.PAUSED)
            if self.stdout.isatty():
                self.stdout.write(f"\r{progress_bar(job)}", ending="\n" if still else "")
                self.stdout.flush()
            elif time.monotonic() > said + LINE_SECONDS:
                said = time.monotonic()
                self.stdout.write(progress_bar(job))
            if still:
                return
            if not (here and worker.work_time_slice() is not None):
                time.sleep(0.5)


def actions_by_name() -> dict[str, BulkAction]:
    return {action.name: action for action in ordered_actions()}


def group_id(name: str) -> str:
    """Its id; what it is called is easier to type."""
    found = Group.objects.filter(name=name).first()
    return str(found.pk) if found else name


def option_errors(name: str, errors: Any) -> str:
    option = {"reason": "--reason", "__all__": "This"}.get(name, f"--set {name}")
    return f"{option}: {' '.join(errors)}"


def progress_bar(job: Job) -> str:
    share = (
        min(job.selected / job.expected, 1)
        if job.expected
        else min(job.cursor / max(job.up_to, 1), 1)
    )
    filled = "█" * round(BAR_WIDTH * share)
    rate = f", {job.rate:,.0f} per second" if job.rate else ""
    return f"{filled:░<{BAR_WIDTH}} {share:4.0%}  {job.selected:,} accounts{rate}   "
