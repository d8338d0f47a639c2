"""Notes the number of queries of an answer in a header. Only the pass that counts has it; the one
that times runs without.
"""

from contextlib import ExitStack

from django.db import connections

HEADER = "X-Queries"


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
        response[HEADER] = str(len(queries))
        return response
