"""Setting up the virtual environment: what must not happen to somebody else's."""

import shutil
import subprocess
import sys

from evportal.embedded.addresses import CHECKOUT


def test_a_linked_environment_is_not_emptied(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "tool").write_text("here")
    (ours / "deploy").mkdir(parents=True)
    shutil.copy(CHECKOUT / "deploy" / "bootstrap.py", ours / "deploy")
    (ours / "requirements.txt").write_text("")
    (ours / ".venv").symlink_to(theirs)
    done = subprocess.run(
        [sys.executable, "deploy/bootstrap.py", "--", "true"], cwd=ours, capture_output=True, text=True
    )
    assert done.returncode == 1 and "is a link" in done.stderr
    assert (theirs / "bin" / "tool").read_text() == "here"
