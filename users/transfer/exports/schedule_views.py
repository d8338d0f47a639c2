"""The pages of scheduled exports: one's own list, a new one, and the end of one."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access, masking
from users.audit.privileged_fields import record_privileged_fields
from users.sudo.recent import require_sudo
from users.transfer.exports import formatting, schedules
from users.transfer.exports.queries import export_tabs
from users.transfer.exports.schedule_forms import ScheduleForm
from users.transfer.models import ExportSchedule
from users.web.forms import form_page, form_status, posted_data


@require_safe
def schedule_list(request):
    """Lists the viewer's own scheduled exports."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    found = list(schedules.own_schedules(request.user))
    for schedule in found:
        describe_schedule(schedule)
    context = {"schedules": found, "tabs": export_tabs(request.user)}
    return render(request, "users/transfer/exports/schedules.html", context)


def describe_schedule(schedule: ExportSchedule) -> None:
    """Sets the labels of the format and of the columns, for the list."""
    parameters = schedule.parameters
    names = formatting.chosen_columns(parameters["columns"], parameters["format"])
    labels = [formatting.EXPORT_COLUMNS[name].label for name in names]
    schedule.columns = labels  # type: ignore[attr-defined]
    format_label = formatting.ACCOUNT_FORMATS[parameters["format"]]
    schedule.format_label = format_label  # type: ignore[attr-defined]


@form_page
def new_schedule(request):
    """Shows the form of a scheduled export; POST creates one."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    if not masking.hides_personal_data(request.user):
        require_sudo(request)
    form = ScheduleForm(posted_data(request), by=request.user)
    record_privileged_fields(request, "export", None, form.fields)
    if form.is_valid():
        try:
            schedules.create_schedule(by=request.user, **form.schedule_fields())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Export scheduled. The first one starts within a minute.")
            return redirect("export-schedules")
    context = {"form": form}
    template = "users/transfer/exports/schedule_new.html"
    return render(request, template, context, status=form_status(form))


@require_POST
def schedule_end(request, pk: int):
    """Ends a scheduled export. Its files stay."""
    access.require(request.user, "view")
    access.require(request.user, "export")
    schedule = schedules.get_schedule(request.user, pk)
    record_privileged_fields(request, "export", None)
    schedules.end_schedule(schedule, by=request.user)
    messages.success(request, "Scheduled export ended. Its files stay until they expire.")
    return redirect("export-schedules")
