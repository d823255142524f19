"""How much of its time an EVSE was up: one ledger of outages, from which every page, report and API reads.

`spans` and `formulas` are pure; `history` turns what was seen into outages (pure); `ledger` keeps the rows;
`reading` is the one place where the figures come from.
"""
