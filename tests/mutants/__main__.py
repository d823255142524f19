"""`make mutants`: faults are planted in the modules of money, one at a time; do the tests notice?

    make mutants                                # all of it
    make mutants ARGS="pricing"                 # one subject
    make mutants ARGS="pricing --sample 400"    # more of its faults

The faults are drawn with a fixed seed, so a run can be repeated; each that no test notices is named with its
line. The exit status is 1 where less than `BOUND` of a subject's faults are noticed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from evportal.embedded.addresses import CHECKOUT
from tests.mutants.trial import Trial

BOUND = 0.80
SEED = 1


@dataclass(frozen=True)
class Subject:
    """Modules, the tests that should notice, and how many faults are tried."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    sample: int


#: Tests are named as in tests/billing/test_<name>.py, those of other folders as in tests/<folder>/<name>.
SUBJECTS = {
    "pricing": Subject(
        modules=("billing/pricing/*.py",),
        tests=(
            "pricing", "pricing_examples", "pricing_edges", "additions", "tariff", "ocpp_tariff",
        ),
        sample=200,
    ),
    "invoicing": Subject(
        modules=(
            "billing/invoicing.py", "billing/vat.py", "billing/lines.py", "billing/statements.py",
            "billing/settling.py", "billing/documents/*.py", "billing/actions/invoices.py",
            "billing/actions/monthly.py", "billing/actions/refunds.py",
        ),
        tests=(
            "document_terms", "document_page", "document_sums", "invoicing", "invoicing_edges", "documents",
            "documents_issued", "einvoice", "refunds", "corrections", "books", "exports", "fleet_fees",
            "plan_vat",
        ),
        sample=150,
    ),
    "payments": Subject(
        modules=(
            "billing/payments.py", "billing/limits.py", "billing/hold_rules.py",
            "billing/actions/holds.py", "billing/actions/raising.py", "billing/actions/reauthorising.py",
            "billing/actions/bill.py", "billing/actions/wallet_holds.py", "billing/actions/debts.py",
        ),
        tests=(
            "payments", "limits", "bill", "debts", "reauthorising", "charging", "holds", "watching",
            "limit_pages", "wallet", "webhook", "debt_pages", "fee_back",
        ),
        sample=150,
    ),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("subjects", nargs="*", choices=[[], *SUBJECTS], metavar="/".join(SUBJECTS))
    parser.add_argument("--sample", type=int, help="how many faults of each subject")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=12, help="at most, for each subject")
    wanted = parser.parse_args()
    subjects = wanted.subjects or list(SUBJECTS)
    if len(subjects) > 1:
        # A process each: pytest can't start twice in one.
        options = [each for each in sys.argv[1:] if each not in SUBJECTS]
        commands = ([sys.executable, "-m", "tests.mutants", name, *options] for name in subjects)
        return max(subprocess.run(command, cwd=CHECKOUT).returncode for command in commands)
    os.nice(10)
    return try_subject(subjects[0], wanted)


def try_subject(name: str, wanted: argparse.Namespace) -> int:
    subject = SUBJECTS[name]
    trial = Trial(
        modules=[
            path.relative_to(CHECKOUT) for glob in subject.modules for path in sorted(CHECKOUT.glob(glob))
        ],
        sample=wanted.sample or subject.sample,
        seed=wanted.seed,
        seconds=wanted.minutes * 60,
        say=lambda words: print(f"  {words}", file=sys.__stdout__, flush=True),
    )
    tests = [test_file(each) for each in subject.tests]
    options = [
        "-n",
        "0",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "--hypothesis-seed=0",
        "-s",
        "--tb=no",
        "-W",
        "ignore",
    ]
    print(f"{name}: {', '.join(subject.modules)}", flush=True)
    status = pytest.main([*options, *tests], plugins=[trial])
    if not trial.tried:
        return int(status) or 1
    met = trial.share >= BOUND
    print(
        f"{'ok  ' if met else 'MISS'} {name}: {trial.noticed} of {trial.tried} faults noticed "
        f"({trial.share:.0%}, ≥ {BOUND:.0%}), drawn from {trial.possible} with seed {wanted.seed}",
        flush=True,
    )
    return 0 if met else 1


def test_file(name: str) -> str:
    folder, _, stem = name.rpartition("/")
    return str(Path("tests") / (folder or "billing") / f"test_{stem}.py")


if __name__ == "__main__":
    sys.exit(main())
