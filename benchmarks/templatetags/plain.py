"""Filters of the templates that stand in the place of HTML by hand."""

from django import template

from users.directory.highlight import highlight

register = template.Library()
register.filter("highlight", highlight)
