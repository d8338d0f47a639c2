from django.urls import path

from users.transfer.imports import mapping_views, saved_mapping_views, start_views, views

urlpatterns = [
    path("", views.index, name="imports"),
    path("mappings/", saved_mapping_views.saved_mappings, name="import-mappings"),
    path(
        "mappings/<int:pk>/",
        saved_mapping_views.saved_mapping_edit,
        name="import-mapping-edit",
    ),
    path(
        "mappings/<int:pk>/end/",
        saved_mapping_views.saved_mapping_end,
        name="import-mapping-end",
    ),
    path("<int:pk>/", views.show, name="import"),
    path("<int:pk>/reading/", mapping_views.reading, name="import-reading"),
    path("<int:pk>/mapping/", mapping_views.mapping, name="import-mapping"),
    path("<int:pk>/preview/", mapping_views.mapping_preview, name="import-preview"),
    path("<int:pk>/mapping/save/", saved_mapping_views.mapping_save, name="import-mapping-save"),
    path("<int:pk>/start/", start_views.import_start, name="import-start"),
    path("<int:pk>/rejected.csv", views.rejected_download, name="import-rejected"),
    path("<int:pk>/end/", views.import_removal, name="import-end"),
]
