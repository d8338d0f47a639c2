"""The URLs of the verbs, below /users/."""

from django.urls import URLPattern, path

from users.verbs.declaration import Verb
from users.verbs.registry import VERBS
from users.verbs.verb_page import verb_page


def verb_pattern(verb: Verb) -> URLPattern:
    route = f"<int:pk>/{verb.path}"
    if verb.view:
        return path(route, verb.view, name=verb.url_name)
    return path(route, verb_page, {"verb": verb}, name=verb.url_name)


urlpatterns = [verb_pattern(verb) for verb in VERBS]
urlpatterns += [pattern for verb in VERBS for pattern in verb.more_urls]
