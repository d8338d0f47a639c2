"""The URLs of a site with the setting DEMO_SIGN_IN."""

from django.urls import include, path

import urls
from urls import handler400, handler403, handler404, handler429, handler500  # noqa: F401

urlpatterns = [path("", include("users.demo.urls")), *urls.urlpatterns]
