"""What stands between the network and the page: who is answered, by which doors, and with what headers."""

from app.guard.guard import Guard
from app.guard.hosts import Hosts
from app.guard.windows import Windows

__all__ = ["Guard", "Hosts", "Windows"]
