"""Every address of the demo exchange: those of the real one, and the sandbox's. For the local settings alone."""

from django.urls import path

from config import urls
from config.demo import door

handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500

urlpatterns = [
    *urls.urlpatterns,
    path("sandbox/answers", door.Answers.as_view()),
    path("sandbox/referrals", door.Referrals.as_view()),
    path("sandbox/plays/<uuid:play_id>", door.OnePlay.as_view()),
]
