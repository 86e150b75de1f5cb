"""Addresses of this room, below /api/v1."""

from django.urls import path

from consent import views

urlpatterns = [
    path("consents", views.Consents.as_view()),
    path("consents/<uuid:consent_id>", views.OneConsent.as_view()),
    path("consents/<uuid:consent_id>/withdraw", views.Withdraw.as_view()),
    path("consents/<uuid:consent_id>/renew", views.Renew.as_view()),
]
