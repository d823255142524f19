"""What can't be configured is said in words."""

from decimal import Decimal

import pytest

from monitoring.load.tree import Limit, Seat, Wish, problems


def amps(value):
    return (Decimal(value),) * 3


SITE = Limit("Site", amps(63))
BARE = [Seat("E1", "Site"), Seat("E2", "Site")]
TWO = [Seat("E1", "Site", Decimal(6)), Seat("E2", "Site", Decimal(6))]


@pytest.mark.parametrize(
    ("limits", "seats", "words", "said"),
    [
        ([SITE], TWO, {}, ""),
        ([], [], {}, "One group is the site itself"),
        ([SITE, Limit("Other", amps(5))], [], {}, "One group is the site itself"),
        ([Limit("Site", amps(-1))], [], {}, "can't be negative"),
        ([Limit("Site", amps(4001))], [], {}, "can't be right"),
        ([SITE, Limit("Site", amps(5), "Site")], [], {}, "two groups of the name “Site”"),
        ([SITE, Limit("A", amps(9), "B"), Limit("B", amps(9), "A")], [], {}, "in a circle: A → B → A"),
        ([SITE, Limit("A", amps(9), "Z")], [], {}, "“A” is in “Z”, which isn't there"),
        ([SITE], [Seat("E1", "Z")], {}, "E1 is in “Z”, which isn't there"),
        ([SITE, Limit("A", amps(9), "Site")], [BARE[0], Seat("E1", "A")], {}, "E1 is in two groups"),
        ([SITE], [Seat("E1", "Site", Decimal(-6))], {}, "can't be negative"),
        ([SITE], [Seat("E1", "Site", Decimal(4))], {}, "takes 6 A or more, or nothing"),
        ([Limit("Site", amps(10))], TWO, {}, "the safe defaults add up to 12 A, and 10 A may be drawn"),
        ([Limit("Site", amps(12))], TWO, {"margin": Decimal(10)}, "defaults add up to 12 A, and 10.8 A"),
        ([Limit("Site", amps(5))], [Seat("E1", "Site")], {}, "with 5 A not even one car can charge"),
        ([Limit("Site", amps(10))], BARE, {}, "or let cars take turns"),
        ([Limit("Site", amps(10))], BARE, {"takes_turns": True}, ""),
        ([SITE], TWO, {"building": amps(55)}, "the safe defaults add up to 12 A, and 8 A may be drawn"),
        # Single-phase EVSEs on different phases don't add up.
        ([Limit("Site", amps(6))], [Seat(f"E{n}", "Site", phases=(n,)) for n in (0, 1)], {}, ""),
        ([SITE], [Seat("E1", "Site", Decimal(6), reserved=Decimal(60)), TWO[1]], {}, "add up to 66 A"),
        ([SITE], TWO, {"margin": Decimal(60)}, "between 0 and 50"),
    ],
)  # fmt: skip
def test_problems(limits, seats, words, said):
    found = problems(Wish(limits, seats, **words))
    assert bool(found) is bool(said), found
    assert said in " ".join(found)
