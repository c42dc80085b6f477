"""Race many processes for the same models; say who won what.

    python coordination_racer.py URL claim|retry|take_over PROCESSES MODELS

File locks are made to grant themselves to everyone, as on a bad network disk. Prints a JSON list
with the number of winners of each model.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import sys

from lockgate.coordinators import open_coordination
from lockgate.domain.claims import Claimed, ModelKey


def key_of(number: int) -> ModelKey:
    return ModelKey("hf", f"org/raced-{number}", "main")


def race(url: str, contest: str, models: int, barrier: object, results: int) -> None:
    backend = open_coordination(url)
    seen = [backend.get_model_record(key_of(number)) for number in range(models)]
    barrier.wait(60)
    won = []
    for number in range(models):
        if contest == "claim":
            win = isinstance(backend.try_claim_for_download(key_of(number)), Claimed)
        elif contest == "retry":
            win = backend.try_reset_error_for_retry(key_of(number))
        else:
            win = backend.try_take_over(seen[number]) is not None
        if win:
            won.append(number)
    # One short write to a pipe is never mixed with another's.
    os.write(results, (json.dumps(won) + "\n").encode())


def main() -> None:
    url, contest, processes, models = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    open_coordination(url).close()  # what it imports, the forks need not
    fcntl.flock = fcntl.lockf = lambda *_: None
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(processes)
    reading, writing = os.pipe()
    racers = [
        fork.Process(target=race, args=(url, contest, models, barrier, writing))
        for _ in range(processes)
    ]
    for racer in racers:
        racer.start()
    os.close(writing)
    with os.fdopen(reading) as lines:
        wins = [json.loads(line) for line in lines]
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0, f"a racer ended with {racer.exitcode}"
    assert len(wins) == processes
    print(json.dumps([sum(number in won for won in wins) for number in range(models)]))


if __name__ == "__main__":
    main()
