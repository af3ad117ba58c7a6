"""Property tests judge what is true, not how fast a shared machine makes examples."""

from hypothesis import HealthCheck, settings

settings.register_profile("hbox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hbox")
