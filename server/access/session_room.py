"""How much one session may hold, so that nobody fills the server's disk by and by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from server.problems import Problem
from server.services import Services, ServicesDep
from server.settings import Settings
from server.storage.owners import Part, count_in_session


@dataclass(frozen=True)
class Room:
    """For one kind of thing: what people call it, the rows of it, and which setting says how many."""

    what: str
    part: Part
    most: Callable[[Settings], int]

    def __call__(self, session_id: UUID, services: ServicesDep) -> None:
        """A dependency of routes that make one more. Raises Problem session_full."""
        self.check(services, session_id, 1)

    def check(self, services: Services, session_id: UUID, more: int) -> None:
        """Whether that many more have room. Those who ask at the same moment are counted by the next one.

        Raises Problem session_full.
        """
        most = self.most(services.settings)
        if count_in_session(services.database, self.part, session_id) + more > most:
            hint = "Start over, beside History: a new session replaces it. Or ask whoever runs this server."
            raise Problem("session_full", f"A session may hold {most} {self.what}.", hint)


ROOM_FOR_LATENTS = Room("stored faces", "latent", lambda settings: settings.max_latents_per_session)
ROOM_FOR_PHOTOS = Room("photos", "photo", lambda settings: settings.max_photos_per_session)
ROOM_FOR_PROJECTIONS = Room("projections", "job", lambda settings: settings.max_projections_per_session)
