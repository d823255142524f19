"""What stations show to people: the cost of a charge, messages, and the tariff they reckon with."""

from stations.display.cost import final_cost, register_pricer, show_cost, show_price, showing
from stations.display.messages import ask, clear, reported, show, show_at_site
from stations.display.tariffs import set_tariff

__all__ = [
    "ask",
    "clear",
    "final_cost",
    "register_pricer",
    "reported",
    "set_tariff",
    "show",
    "show_at_site",
    "show_cost",
    "show_price",
    "showing",
]
