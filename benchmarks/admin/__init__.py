"""The peers: Django's own admin over the same accounts, twice, and the least that a signed-in page
can cost.
"""
