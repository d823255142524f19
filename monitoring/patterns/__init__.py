"""How the network is used: hours and days of EVSEs and sites kept up by workers, and what reports make of it.

`rollup` keeps the tables; `figures` reads them; `forecast`, `advice` and `periods` are pure.
"""
