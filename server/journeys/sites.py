"""Which journey map holds for a site."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from models.journey import JourneyMap


def map_for_site(maps: Mapping[str, JourneyMap], *, site: str, default: str) -> JourneyMap:
    """Return the map whose pattern fits the site most closely (the longest one); the default map when none does.

    Raises:
        KeyError: no pattern fits and there is no map of the default's name.
    """
    wanted = site.casefold()
    fitting = [
        (len(pattern), name)
        for name, journey in maps.items()
        for pattern in journey.sites
        if fnmatchcase(wanted, pattern.casefold())
    ]
    return maps[max(fitting)[1]] if fitting else maps[default]
