"""A Django project over Rollcall's accounts as `startproject` makes it: middleware, backend,
sessions, templates.
"""

from settings import *  # noqa: F403
from settings import INSTALLED_APPS

OTHERS = [app for app in INSTALLED_APPS if not app.startswith("allauth")]
INSTALLED_APPS = ["django.contrib.admin", *OTHERS, "benchmarks.admin.apps.Addresses"]
ROOT_URLCONF = "benchmarks.admin.urls"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SILENCED_SYSTEM_CHECKS = [
    "auth.E003",
    "auth.W004",
    "models.W040",
]  # username is unique by an index over lower(username)
