"""Settings of a Django project as `startproject` writes them, on Rollcall's tables."""

from settings import *  # noqa: F403
from settings import INSTALLED_APPS

# Rollcall's own code imports the models of allauth.mfa.
OWN_APPS = [app for app in INSTALLED_APPS if not app.startswith("allauth") or app == "allauth.mfa"]
INSTALLED_APPS = ["django.contrib.admin", *OWN_APPS, "benchmarks.admin.apps.EmailAddresses"]
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
# The username is unique by an index over lower(username), which these checks do not know.
SILENCED_SYSTEM_CHECKS = ["auth.E003", "auth.W004", "models.W040"]
