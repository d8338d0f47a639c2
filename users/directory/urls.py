from django.urls import path

from users.directory import column_views, count_views, filter_views, saved_search_views, views

urlpatterns = [
    path("", views.index, name="directory"),
    path("count/", count_views.count, name="directory-count"),
    path("filters/", filter_views.filters, name="directory-filters"),
    path("columns/", column_views.columns, name="directory-columns"),
    path("columns/default/", column_views.default, name="directory-columns-default"),
    path("size/", column_views.size, name="directory-size"),
    path("views/", saved_search_views.views, name="directory-views"),
    path("views/new/", saved_search_views.new, name="directory-view-new"),
    path("views/<int:pk>/", saved_search_views.view, name="directory-view"),
    path("views/<int:pk>/deletion/", saved_search_views.deletion, name="directory-view-deletion"),
]
