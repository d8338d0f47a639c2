"""The preview of an email: the page that would be sent, alone in a sandboxed frame.

The form of a template is posted into the frame, so that the preview works without scripts and
before anything is stored. The pages of Rollcall forbid styles in elements, without which no email
looks as it will; so the frame has a policy of its own, which forbids everything else.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from users import access, masking
from users.campaigns.campaign_lookup import get_campaign
from users.campaigns.lifecycle import SEND_CAMPAIGNS
from users.campaigns.message_views import parse_choice
from users.campaigns.template_forms import TemplateForm, posted_languages
from users.identifiers import fold_identifier
from users.mail.models import Letter
from users.mail.rendering import RenderedMail, render_letter
from users.models import User
from users.web.query_string import check_parameters, is_id_text, refuse_bad_parameters
from users.web.security_headers import CONTENT_SECURITY_POLICY

PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; sandbox; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@require_POST
@xframe_options_sameorigin
def template_preview(request) -> HttpResponse:
    """Shows the posted texts as one account would get them, with what is wrong in them."""
    access.require(request.user, SEND_CAMPAIGNS)
    access.require(request.user, "view")
    form = TemplateForm(request.POST, languages=posted_languages(request.POST))
    notes = form.text_errors()
    account = preview_account(request.user, request.POST.get("as_account", ""))
    if account is None:
        notes.append("No account has this username or ID. The preview shows your own.")
        account = request.user
    if language := request.POST.get("as_language", ""):
        account.locale = language
    return preview_response(form.typed_letter(), account, notes)


@require_safe
@xframe_options_sameorigin
def campaign_preview(request, pk: int) -> HttpResponse:
    """Shows the email of a campaign as the viewer would get it; `?language=de`: a translation."""
    letter = get_campaign(request, pk).letter
    with refuse_bad_parameters(back=f"/mail/campaigns/{pk}/"):
        check_parameters(request.GET, "language")
        language = parse_choice(request, "language", letter.translations)
    account = preview_account(request.user, "") or request.user
    account.locale = language
    return preview_response(letter, account)


def preview_response(letter: Letter, account: User, notes: Sequence[str] = ()) -> HttpResponse:
    """Returns the page of an email for one account. `notes`: errors in what was typed."""
    # The link of no message.
    values = {"unsubscribe_url": f"{settings.SITE_URL}/unsubscribe/…"}
    mail = render_letter(letter, account, values=values)
    is_empty = not (letter.subject.strip() or letter.text.strip())
    response = HttpResponse(preview_page(mail, notes, is_empty=is_empty))
    response["Content-Security-Policy"] = PREVIEW_POLICY.format(images=logo_source())
    return response


def allow_previews(response: HttpResponse) -> HttpResponse:
    """Lets a page show previews, which are pages of their own in frames."""
    response["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


def preview_account(viewer: User, typed: str) -> User | None:
    """Returns the account with this ID or username as the viewer may see it; the viewer for ""."""
    # PostgreSQL compares no text with a NUL.
    typed = typed.strip().replace("\x00", "")
    found = User.objects.filter(pk=viewer.pk)
    if typed:
        is_id = is_id_text(typed)
        found = User.objects.filter(pk=int(typed)) if is_id else by_username(typed)
    return next(iter(masking.mask_accounts(list(found[:1]), viewer)), None)


def by_username(typed: str) -> Any:
    return User.objects.filter(username=fold_identifier(typed))


def preview_page(mail: RenderedMail, notes: Sequence[str], *, is_empty: bool) -> str:
    """Returns the page of the mail, with its subject and errors above and its text part below."""
    context = {
        "mail": mail,
        "notes": notes,
        "is_empty": is_empty,
    }
    head = render_to_string("users/campaigns/_preview_head.html", context)
    text = render_to_string("users/campaigns/_preview_text.html", context)
    page = mail.html.replace('<div class="preheader"', f'{head}<div class="preheader"', 1)
    return page.replace("</body>", f"{text}</body>", 1)


def logo_source() -> str:
    """Returns the only host from which the preview loads an image."""
    parts = urlsplit(settings.ORGANISATION_LOGO_URL)
    return f"https://{parts.netloc}" if parts.netloc else "'none'"
