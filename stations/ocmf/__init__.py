"""Signed meter values in OCMF, the Open Charge Metering Format of S.A.F.E. e.V. (version 1.4). Pure.

record: what a text says; keys, signature: whether it is genuine; judging: what a session's texts prove
together; transparency: the file that the S.A.F.E. Transparenzsoftware reads.
"""

from stations.ocmf.record import last_register

__all__ = ["last_register"]
