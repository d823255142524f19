"""Certificates: who signs them, who holds them, and whether they are still good.

`hashes`, `signing_requests`, `chains` and `emaid` are pure; `authority` is the pluggable CA and `local` the
built-in one; `issuing` signs what stations ask for; `installed` is what is on them; `ocsp`, `crl` and
`fetching` find out whether a certificate was revoked; `entry` lets stations in by theirs.
"""
