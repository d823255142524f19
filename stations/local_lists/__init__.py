"""Local authorisation lists: what each station should keep, and how it gets it."""

from stations.local_lists.caches import clear_caches
from stations.local_lists.sending import (
    ask_version,
    command_finished,
    keep_up,
    send_all,
    tokens_changed,
)

__all__ = ["ask_version", "clear_caches", "command_finished", "keep_up", "send_all", "tokens_changed"]
