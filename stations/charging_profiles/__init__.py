"""Smart charging: limits and profiles at stations, whatever their version.

Other apps say `set_limit` and `clear_limit`; who wants a profile of their own says `install`.
"""

from stations.charging_profiles.actions import (
    ask_composite,
    clear,
    clear_limit,
    held_limit_w,
    install,
    read_back,
    set_limit,
)
from stations.charging_profiles.build import UnbuildableLimit

__all__ = [
    "UnbuildableLimit",
    "ask_composite",
    "clear",
    "clear_limit",
    "held_limit_w",
    "install",
    "read_back",
    "set_limit",
]
