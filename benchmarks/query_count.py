"""Middleware that reports the number of queries in a response header.

Only the pass that counts queries uses it; the pass that measures time runs without it.
"""

from contextlib import ExitStack

from django.db import connections

QUERY_HEADER = "X-Queries"


class CountMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        queries = []

        def note(execute, sql, params, many, context):
            queries.append(sql)
            return execute(sql, params, many, context)

        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(note))
            response = self.get_response(request)
        response[QUERY_HEADER] = str(len(queries))
        return response
