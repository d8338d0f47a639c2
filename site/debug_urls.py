"""The URLs of `bin/run --debug`: those of the site, and the panels of django-debug-toolbar."""

from debug_toolbar.toolbar import debug_toolbar_urls

from urls import *  # noqa: F403
from urls import urlpatterns as site_patterns

urlpatterns = [*debug_toolbar_urls(), *site_patterns]
