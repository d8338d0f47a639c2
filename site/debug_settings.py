"""The settings of `bin/run --debug`: those of the site, with django-debug-toolbar.

No other module imports it, and the package is not in requirements.txt.
"""

from django.core.exceptions import ImproperlyConfigured

from settings import *  # noqa: F403
from settings import DEBUG, INSTALLED_APPS, IS_LOCAL, MIDDLEWARE

if not (DEBUG and IS_LOCAL):
    raise ImproperlyConfigured(
        "debug_settings is only for development: DEBUG is set, and only this machine has access."
    )
ROOT_URLCONF = "debug_urls"
INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
# The first one can insert the toolbar into every page. The content security policy needs no
# exception: scripts and stylesheets of the toolbar are files of this site.
MIDDLEWARE = [
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    "debug_pages.InspectableMiddleware",
    *MIDDLEWARE,
]
INTERNAL_IPS = ["127.0.0.1", "::1"]
DEBUG_TOOLBAR_CONFIG = {
    "SHOW_TOOLBAR_CALLBACK": "debug_pages.shows_toolbar",
    "SHOW_COLLAPSED": True,
}
