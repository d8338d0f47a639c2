"""Serves static files, without the list of them that collectstatic writes."""

from typing import Any

from whitenoise.middleware import WhiteNoiseMiddleware

from users.web.security_headers import RESOURCE_POLICY

# The storage reads it; nobody else needs the names of all files.
MANIFEST_NAME = "staticfiles.json"


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    def add_file_to_dictionary(self, url: str, path: str, stat_cache=None) -> None:
        if MANIFEST_NAME not in url:
            super().add_file_to_dictionary(url, path, stat_cache=stat_cache)

    @staticmethod
    def serve(static_file: Any, request: Any) -> Any:
        response = WhiteNoiseMiddleware.serve(static_file, request)
        response.headers.setdefault(*RESOURCE_POLICY)
        return response
