"""Where the log is asked for: the prefix `/api/v1/audit` is one of C2SP tlog-tiles."""

from django.urls import path

from audit import views

urlpatterns = [
    path("audit/checkpoint", views.Checkpoint.as_view()),
    path("audit/tile/<path:tile>", views.Tile.as_view()),
    path("audit/proofs/inclusion", views.InclusionProof.as_view()),
    path("audit/proofs/consistency", views.ConsistencyProof.as_view()),
    path("audit/keys", views.Keys.as_view()),
]
