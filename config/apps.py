from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Composition"

    def ready(self) -> None:
        from config import checks, safety  # noqa: F401 - registers the system checks
