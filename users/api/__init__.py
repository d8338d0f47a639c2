"""The API at /api/v1/: the directory, the verbs and the jobs for programs with a token.

It has no rules of its own. Requests are served for the viewer of their token, so users/access.py
decides what they may do and users/masking.py what they may see. The directory's filter is that of
the page's URL, a verb is validated by its form, and a job is prepared by the code of the preview.

gateway.py      authenticates requests and turns exceptions into problems
problems.py     the problems, as RFC 9457 describes them
request_body.py reads JSON and refuses what is ambiguous, before it is parsed
query.py        checks the query string
answers.py      answers with JSON, an ETag and the page cache
account_json.py the fields of an account
shown_uses.py   counts the personal data that programs read
resources.py    the read operations
verb_calls.py   the verbs, one operation each
account_changes.py  changes whose pages have forms of their own
job_proposals.py jobs that wait for approval or start
operations.py   the operations and their URLs
description.py  the OpenAPI description, with schemas.py, body_schemas.py and change_details.py
"""
