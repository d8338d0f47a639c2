"""Installs only the tables of allauth: its own configuration requires its middleware."""

from django.apps import AppConfig


class EmailAddresses(AppConfig):
    name = "allauth.account"
