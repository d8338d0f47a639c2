"""The WSGI application that gunicorn serves."""

import os
import sys

from django.core.wsgi import get_wsgi_application
from django.db import connections

from users.audit.origin import warn_about_proxies
from users.database.version import earlier_version_refusal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()

if refusal := earlier_version_refusal():
    sys.exit(refusal)
warn_about_proxies()
# Forked workers must not share a connection.
connections.close_all()
