"""Every address the exchange answers at."""

from django.urls import include, path

from agencies import oidc_views
from agencies.client_admin import site as administration
from agencies.tokens import TokenEndpoint, server_metadata
from api_schema import pages, problems
from api_schema.problem_page import one_problem_page, problem_page
from audit.views import receipt_keys
from config import health, metrics
from config.docs.views import docs, to_docs

handler400 = problems.malformed
handler404 = problems.unknown_address
handler500 = problems.failed

urlpatterns = [
    path("api/v1/", include("referrals.urls")),
    path("api/v1/", include("consent.urls")),
    path("api/v1/", include("agencies.urls")),
    path("api/v1/", include("audit.urls")),
    path("oauth/token", TokenEndpoint.as_view()),
    path("api/schema", pages.schema, name="schema"),
    path("api/docs", pages.Docs.as_view(), name="docs"),
    path("api/docs/problems", problem_page),
    path("api/docs/problems/<slug:code>", one_problem_page),
    path(".well-known/jwks.json", receipt_keys),
    path(".well-known/oauth-authorization-server", server_metadata),
    path("oidc/authenticate/", oidc_views.SignIn.as_view()),
    path("oidc/callback/", oidc_views.ComeBack.as_view(), name="oidc_authentication_callback"),
    path("oidc/logout/", oidc_views.sign_out),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.metrics),
    path("docs", to_docs),
    path("docs/", docs),
    path("docs/<path:rest>", docs),
    path("admin/", administration.urls),
]
