"""manage.py bulk ACTION: runs a bulk action from a shell, with the access checks of its pages."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict

from users import access, masking
from users.audit.origin import change_ticket
from users.audit.record import record_denial
from users.bulk.action import BulkAction, start_bulk_job
from users.bulk.forms import JOB_COLUMNS, BulkForm
from users.bulk.preview import Preview, preview_action
from users.bulk.registry import ordered_actions
from users.bulk.selection import Selection
from users.directory.filter import BadFilter
from users.exceptions import JobRefused
from users.jobs import transitions, worker
from users.jobs.models import Job
from users.jobs.remarks import Remark
from users.management.ticket_option import add_ticket_option
from users.models import User

# Characters of the progress bar.
BAR_WIDTH = 30
# Between two lines about the progress if the output is not a terminal.
LINE_SECONDS = 5
ITEM_COUNTS = ("changed", "skipped", "failed", "unchanged")


class Command(BaseCommand):
    help = (
        "Runs a bulk action on all accounts of a filter, as a job for the workers. It runs in the "
        "name of an account and with its permissions. Large jobs wait for the approval of a second "
        "person. Interrupting the command does not stop the job. "
        "Exit code 1: the job did not succeed; 2: nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_action_arguments(parser)
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
            form = self.form(action, by, options)
            parameters = action.job_parameters(form.parameters())
            draft = Job(parameters=parameters, reason=form.given_reason)
            preview = preview_action(action, selection, by, draft)
            self.show(action, selection, preview)
            if options["dry_run"] or not preview.confirmed_count.value:
                self.stdout.write("Nothing was started.")
                return
            with change_ticket(form.given_ticket):
                job = start_bulk_job(action, selection, preview.count, by=by, draft=draft)
        except access.Denied as denied:
            record_denial(by, denied)
            text = " ".join(access.explain_denial(by, denied, name=str(by)))
            raise CommandError(text, returncode=2) from denied
        except JobRefused as refused:
            raise CommandError(str(refused), returncode=2) from refused
        transitions.add_line(job, Remark("requested_from_shell"))
        self.report(job, options)

    def action(self, name: str) -> BulkAction:
        actions = actions_by_name()
        if name not in actions:
            names = ", ".join(sorted(actions))
            raise CommandError(f"Unknown action “{name}”. Available: {names}.", returncode=2)
        return actions[name]

    def account(self, username: str) -> User:
        by = User.objects.filter(username=username).first()
        if by is None:
            raise CommandError(f"There is no account “{username}”.", returncode=2)
        return by

    def selection(self, query: str, by: User) -> Selection:
        masked = masking.hides_personal_data(by)
        try:
            given = QueryDict(f"{query}&all=1")
            return Selection.parse(given, masked=masked, viewer_id=by.pk)
        except BadFilter as error:
            raise CommandError(f"--filter: {error}", returncode=2) from error

    def form(self, action: BulkAction, by: User, options: dict[str, Any]) -> BulkForm:
        """Returns the valid form of the action, filled from --reason, --ticket and --set.

        Raises CommandError if it is not valid.
        """
        data = QueryDict("count=1", mutable=True)
        for name in JOB_COLUMNS:
            if options[name]:
                data[name] = options[name]
        for assignment in options["set"]:
            name, _, value = assignment.partition("=")
            data.appendlist(name, group_id(value) if name == "groups" else value)
        form: BulkForm = action.form(data, by=by)
        if unknown := sorted(set(data) - set(form.fields)):
            names = ", ".join(unknown)
            raise CommandError(f"This action does not accept {names}.", returncode=2)
        if not form.is_valid():
            lines = [option_errors(name, errors) for name, errors in form.errors.items()]
            raise CommandError("\n".join(lines), returncode=2)
        return form

    def show(self, action: BulkAction, selection: Selection, preview: Preview) -> None:
        question = action.confirmation_question(preview.words)
        self.stdout.write(f"{question[:-1]}: {selection.words}")
        for figure in preview.figures:
            note = f" ({figure.note})" if figure.note else ""
            self.stdout.write(f"  {figure.label + ':':<28} {figure.value}{note}")
        for number, reason in preview.skips:
            self.stdout.write(f"  {'Will be skipped:':<28} {number}. {reason}")

    def report(self, job: Job, options: dict[str, Any]) -> None:
        """Prints the state of the new job and, unless told not to wait, its result."""
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
        """Prints the progress until the job stops. `here`: runs it in this process."""
        last_line = time.monotonic()
        while True:
            job.refresh_from_db()
            has_stopped = job.has_ended or job.state in (Job.State.PARKED, Job.State.PAUSED)
            if self.stdout.isatty():
                self.stdout.write(f"\r{progress_bar(job)}", ending="\n" if has_stopped else "")
                self.stdout.flush()
            elif time.monotonic() > last_line + LINE_SECONDS:
                last_line = time.monotonic()
                self.stdout.write(progress_bar(job))
            if has_stopped:
                return
            if not (here and worker.work_time_slice() is not None):
                time.sleep(0.5)


def add_action_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments that determine the job."""
    parser.add_argument("action", help=", ".join(sorted(actions_by_name())))
    parser.add_argument(
        "--filter",
        required=True,
        help="a filter as in the URL of the directory, such as “status=active&domain=example.com”",
    )
    parser.add_argument(
        "--by", required=True, metavar="USERNAME", help="the account that runs the action"
    )
    parser.add_argument("--reason", default="", help="the reason, visible in the audit trail")
    add_ticket_option(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a field of the action, such as until=2027-01-31T12:00, groups=Auditor, "
        "field=locale value=de",
    )


def actions_by_name() -> dict[str, BulkAction]:
    return {action.name: action for action in ordered_actions()}


def group_id(name: str) -> str:
    """Returns the ID of a group by its name; `name` itself if there is no such group."""
    group = Group.objects.filter(name=name).first()
    return str(group.pk) if group else name


def option_errors(name: str, errors: Any) -> str:
    options = {"__all__": "This"} | {column: f"--{column}" for column in JOB_COLUMNS}
    return f"{options.get(name, f'--set {name}')}: {' '.join(errors)}"


def progress_bar(job: Job) -> str:
    if job.expected:
        share = min(job.selected / job.expected, 1)
    else:
        share = min(job.cursor / max(job.up_to, 1), 1)
    filled = "█" * round(BAR_WIDTH * share)
    rate = f", {job.rate:,.0f} per second" if job.rate else ""
    return f"{filled:░<{BAR_WIDTH}} {share:4.0%}  {job.selected:,} accounts{rate}   "
