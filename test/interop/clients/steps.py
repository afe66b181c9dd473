"""Runs the steps of a client's program: one line of JSON each, {"step": name, "problem": null or text}."""
import json
import sys
import time
import traceback

PATIENCE_S = 60


def run(steps):
    for name, step in steps:
        problem = None
        try:
            step()
        except Exception as error:
            line = traceback.extract_tb(sys.exc_info()[2])[-1].lineno
            ours = [each.lineno for each in traceback.extract_tb(sys.exc_info()[2]) if 'interop' in each.filename]
            problem = f'{type(error).__name__}: {error} at line {ours[-2] if len(ours) > 1 else line}'
        print(json.dumps({'step': name, 'problem': problem}), flush=True)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f'expected {expected!r} but there is {actual!r}')


def until(what, holds):
    """Waits for it. A broker may refuse at first: a topic that was just created is known to all a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        problem = None
        try:
            if holds():
                return
        except Exception as error:
            problem = error
        if time.monotonic() > deadline:
            raise AssertionError(f'not in time: {what}') from problem
        time.sleep(0.02)


def failure(call):
    """What a call fails with, None when it succeeds."""
    try:
        call()
    except Exception as error:
        return error
    return None
