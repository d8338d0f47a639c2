"""/.well-known/security.txt (RFC 9116): whom to write to about a vulnerability."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from users.database.clock import current_time


@require_safe
def security_text(request) -> HttpResponse:
    """Returns the file; 404 without SECURITY_CONTACT, and after SECURITY_EXPIRES, since a contact
    that is out of date is worse than none.
    """
    expires = settings.SECURITY_EXPIRES
    if not settings.SECURITY_CONTACT or expires is None or expires <= current_time():
        raise Http404
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}{request.path}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
