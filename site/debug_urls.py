"""The URLs of `bin/run --debug`: those of the site, and the panels of django-debug-toolbar."""

from debug_toolbar.toolbar import debug_toolbar_urls

import urls

urlpatterns = [*debug_toolbar_urls(), *urls.urlpatterns]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler429 = urls.handler429
handler500 = urls.handler500
