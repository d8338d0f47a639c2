"""The page query: `find` returns one page of the directory at a bounded cost, whatever the filter
and the size of the table. Nothing outside this package imports what is inside it.

Three ways to read a page; page_finder.py chooses, because the planner cannot (at ten million
accounts the wrong one of the last two takes 19 s in place of 0.3 ms):

keyset range   An index holds exactly the matches in the wanted order (Filter.has_index_order): no
               filter, a filter with an index in this order, a range of the sort's key. The page is
               one range of that index after the cursor. One query; nothing is capped.

scan-first     Every other filter and search. Scan reads the next 2,500 accounts in the wanted
               order, tests each and stops at a full page. If an index holds the matches of one of
               the filters in this order, or a superset of them, only these are read: 20,000 if the
               index alone decides who matches. 800 for dates last seen in joined order, or the
               reverse. A full page, or the end of the order, is complete. Otherwise collect.

collect-first  A filter with a rare value and no index condition for the scan. Collect reads matches
               through the filter's own index, or accounts through the search index, tests the rest
               of the conditions, sorts, and takes the page. At most 2,000 matches of filters and
               3,000 candidates of a search are complete. If there are more, scan too.

If neither is complete, the page is a sort of the scanned and collected rows: FoundPage.capped. The
sample of one filter is 300 matches, its newest where an index knows them. On PostgreSQL, random
pages of the table (TABLESAMPLE) are the sample of a word that 25,000 accounts have, and of filters
each of which 400,000 accounts match. SQLite has no such sample and collects the first candidates;
its full-text index (FTS5) names them without reading all of them. All caps are in limits.py.

A page takes at most two queries (three if the search may be a username and the first page is
found anew). Statements are kept by PageQuery, with the cursor and the time as parameters.

account_reader.py  read-only accounts by SQL        scan_sql.py     range and scan
cursors.py         text of a position               collect_sql.py  collect, and is it capped
keyset.py          conditions after a cursor        samples.py      what replaces too many matches
page_query.py      what a statement depends on      strategies.py   scan-first, collect-first
"""

from users.directory.query.cursors import LAST_PAGE, BadCursor, account_cursor, cursor_at
from users.directory.query.keyset import AccountPage
from users.directory.query.page_finder import FoundPage, find

__all__ = [
    "LAST_PAGE",
    "AccountPage",
    "BadCursor",
    "FoundPage",
    "account_cursor",
    "cursor_at",
    "find",
]
