"""The pages of email templates: the list, a new one, one template, and its test and archive."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.campaigns import templates
from users.campaigns.email_preview import allow_previews
from users.campaigns.email_tests import send_template_test
from users.campaigns.lifecycle import SEND_CAMPAIGNS
from users.campaigns.models import EmailTemplate
from users.campaigns.template_forms import TemplateForm, posted_languages, template_initial
from users.exceptions import VerbRefused
from users.mail.languages import language_names
from users.mail.mail_tabs import mail_tabs
from users.models import User
from users.web.error_page import error_page
from users.web.forms import form_page, form_status
from users.web.query_string import check_parameters, refuse_bad_parameters

TEMPLATES_URL = "/mail/templates/"
LIST_MAX = 500


@require_safe
def template_list(request) -> HttpResponse:
    """Lists the templates by name; `?archived=1` those that were archived."""
    access.require(request.user, SEND_CAMPAIGNS)
    with refuse_bad_parameters(back=TEMPLATES_URL):
        check_parameters(request.GET, "archived")
    archived = request.GET.get("archived") == "1"
    found = EmailTemplate.objects.filter(archived_at__isnull=not archived).order_by("name")
    rows = list(found[:LIST_MAX])
    people = User.objects.only("username").in_bulk({row.updated_by_id for row in rows} - {None})
    for row in rows:
        row.author = people.get(row.updated_by_id)  # type: ignore[attr-defined]
        row.languages = language_names(row.translations)  # type: ignore[attr-defined]
    context = {
        "templates": rows,
        "archived": archived,
        "tabs": mail_tabs(request.user),
    }
    return render(request, "users/campaigns/templates.html", context)


@form_page
def template_new(request) -> HttpResponse:
    access.require(request.user, SEND_CAMPAIGNS)
    return template_form_page(request, None, templates.create_template)


@form_page
def template_page(request, pk: int) -> HttpResponse:
    template = templates.find_template(request.user, pk)

    def change(**values: Any) -> EmailTemplate:
        return templates.change_template(template, **values)

    return template_form_page(request, template, change)


def template_form_page(
    request, template: EmailTemplate | None, store: Callable[..., EmailTemplate]
) -> HttpResponse:
    """Shows the form of a template, adds or removes a translation, or stores the template."""
    form = template_form(request, template)
    stale = None
    if form.is_bound and form.is_valid():
        try:
            stored = store(by=request.user, **stored_values(form, template))
        except ValidationError as error:
            form.add_error(None, error)
        except templates.StaleTemplate as error:
            stale = error.current
            add_stale_version(form, stale)
        else:
            messages.success(request, f"Template “{stored.name}” saved.")
            return redirect(f"{TEMPLATES_URL}{stored.pk}/")
    context = {
        "form": form,
        "template": template,
        "stale": stale,
    }
    page = "users/campaigns/template.html"
    return allow_previews(render(request, page, context, status=form_status(form)))


def template_form(request, template: EmailTemplate | None) -> TemplateForm:
    """Returns the form: fresh, posted, or with what was typed and one translation more or less."""
    if request.method != "POST":
        initial = template_initial(template) if template else {}
        return TemplateForm(
            initial=initial, languages=list(template.translations) if template else []
        )
    languages = posted_languages(request.POST)
    if request.POST.keys() & {"add", "remove"}:
        return TemplateForm(initial=request.POST.dict(), languages=languages)
    return TemplateForm(request.POST, languages=languages)


def stored_values(form: TemplateForm, template: EmailTemplate | None) -> dict[str, Any]:
    values = form.template_values()
    if template:
        # A form without a version has seen none.
        values["version"] = form.cleaned_data["version"] or 0
    return values


def add_stale_version(form: TemplateForm, current: EmailTemplate) -> None:
    """Adds the error that someone else changed the template, and its version, to the form."""
    data = cast(QueryDict, form.data).copy()
    data["version"] = str(current.version)
    form.data = data
    message = (
        "Someone else changed this template while you had it open. "
        "Compare it with yours below. Save again to overwrite it."
    )
    form.add_error(None, ValidationError(message, code="stale"))


@require_POST
def template_archive(request, pk: int) -> HttpResponse:
    template = templates.find_template(request.user, pk)
    templates.archive_template(template, by=request.user)
    messages.success(request, f"Template “{template.name}” archived.")
    return redirect(TEMPLATES_URL)


@require_POST
def template_archive_end(request, pk: int) -> HttpResponse:
    template = templates.find_template(request.user, pk)
    templates.archive_template(template, by=request.user, archived=False)
    messages.success(request, f"Template “{template.name}” restored.")
    return redirect(f"{TEMPLATES_URL}{pk}/")


@require_POST
def template_test(request, pk: int) -> HttpResponse:
    """Sends the stored text to the viewer."""
    template = templates.find_template(request.user, pk)
    try:
        address = send_template_test(template, by=request.user)
    except VerbRefused as error:
        return error_page(request, 409, error.message)
    messages.success(request, f"Test email to {address} queued.")
    return redirect(f"{TEMPLATES_URL}{pk}/")
