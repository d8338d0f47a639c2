"""allauth as tables alone: its own configuration would insist on its middleware."""

from django.apps import AppConfig


class Addresses(AppConfig):
    name = "allauth.account"
