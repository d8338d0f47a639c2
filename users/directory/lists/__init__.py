"""Pasted lists: the accounts that the lines of a text or a file name, as a filter of the
directory.
"""
