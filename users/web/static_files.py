"""Serves static files, without the list of them that collectstatic writes."""

from whitenoise.middleware import WhiteNoiseMiddleware

# The storage reads it; nobody else needs the names of all files.
MANIFEST_NAME = "staticfiles.json"


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    def add_file_to_dictionary(self, url: str, path: str, stat_cache=None) -> None:
        if MANIFEST_NAME not in url:
            super().add_file_to_dictionary(url, path, stat_cache=stat_cache)
