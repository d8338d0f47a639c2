from django.urls import path

from users.directory import (
    column_views,
    count_views,
    filter_views,
    former_views,
    saved_search_views,
    views,
)
from users.directory.lists import views as list_views
from users.directory.models import ViewPage

urlpatterns = [
    path("", views.index, name="directory"),
    path("count/", count_views.account_count, name="directory-count"),
    path("former/", former_views.former_values, name="directory-former"),
    path("filters/", filter_views.filter_panel, name="directory-filters"),
    path("columns/", column_views.column_settings, name="directory-columns"),
    path("columns/default/", column_views.reset_columns, name="directory-columns-default"),
    path("size/", column_views.set_page_size, name="directory-size"),
    path("views/", saved_search_views.saved_search_list, name="directory-views"),
    path(
        "views/new/",
        saved_search_views.new,
        {"page": ViewPage.DIRECTORY},
        name="directory-view-new",
    ),
    path(
        "views/new/audit/",
        saved_search_views.new,
        {"page": ViewPage.TRAIL},
        name="audit-view-new",
    ),
    path("views/<int:pk>/", saved_search_views.show, name="directory-view"),
    path(
        "views/<int:pk>/filter/",
        saved_search_views.saved_search_filter,
        name="directory-view-filter",
    ),
    path(
        "views/<int:pk>/deletion/",
        saved_search_views.saved_search_deletion,
        name="directory-view-deletion",
    ),
    path("lists/", list_views.index, name="directory-lists"),
    path("lists/<int:pk>/", list_views.show, name="directory-list"),
    path("lists/<int:pk>/deletion/", list_views.list_deletion, name="directory-list-deletion"),
    path("lists/<int:pk>/<slug:name>/", list_views.list_file, name="directory-list-file"),
]
