"""Sets the origin of each request, and the request id of its response."""

from users.audit.origin import PROXY_WATCH, current_origin, request_origin


class OriginMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        origin = request_origin(request)
        PROXY_WATCH.note_request(request)
        token = current_origin.set(origin)
        try:
            response = self.get_response(request)
        finally:
            current_origin.reset(token)
        response["X-Request-ID"] = origin.request_id
        return response
