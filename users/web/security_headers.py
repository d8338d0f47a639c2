"""Security headers of every response."""

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

# No other site may load anything of this one, as an image or a script.
RESOURCE_POLICY = ("Cross-Origin-Resource-Policy", "same-origin")


class SecurityHeadersMiddleware:
    """Adds the content security policy, and forbids browsers to store the page: a stored copy could
    be seen after signing out.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault(*RESOURCE_POLICY)
        response.headers["Cache-Control"] = "no-store"
        return response
