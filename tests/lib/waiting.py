# SPDX-License-Identifier: MIT
"""The one way in which tests wait: for a condition, with an end."""

import time

PATIENCE_S = 30.0
STEP_S = 0.005


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Returns the first true value of condition(). Fails, naming `what`, if there is none in time.

    The limit only ends a test that would hang; no test asserts how long something takes.
    """
    end = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(STEP_S)
