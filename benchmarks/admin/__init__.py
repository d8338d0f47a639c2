"""The peers of Rollcall: two configurations of Django's admin, and a view that does next to
nothing.
"""
