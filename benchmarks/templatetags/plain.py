"""Filters for the templates that replace hand-written HTML."""

from django import template

from users.directory.highlight import highlight

register = template.Library()
register.filter("highlight", highlight)
