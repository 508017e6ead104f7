"""An estimate of the time left, which is not given before it means something."""

import math
from collections import deque

#: An estimate needs so many seconds of observation, and so much of the whole to be done meanwhile.
LEAST_SECONDS = 3.0
LEAST_DONE = 0.02
#: Of what is very slow, several steps in a longer time are enough.
LEAST_SECONDS_OF_STEPS = 10.0
LEAST_STEPS = 4
#: The speed is the mean over so many seconds, or over the last two samples if they are further apart.
WINDOW_SECONDS = 15.0
#: A new estimate counts for two thirds after so many seconds, so that the shown one never jumps.
SMOOTHING_SECONDS = 5.0
#: Samples that are kept. More of them than fill the window at four a second shorten it.
MOST_SAMPLES = 128


class TimeLeft:
    """Estimates when one stage of some work is done. It is fed with samples, and has no clock of its own."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all samples, as before another stage."""
        self._samples = deque[tuple[float, float]](maxlen=MOST_SAMPLES)
        self._first: tuple[float, float] | None = None
        self._steps = 0
        self._ends_at: float | None = None

    def add(self, moment: float, done: float) -> float | None:
        """Add a sample: of the whole 1, ``done`` at ``moment``, in seconds. Seconds until the end; None if unknown."""
        if self._samples and done < self._samples[-1][1]:
            self.clear()
        if self._first is None:
            self._first = moment, done
        elif done > self._samples[-1][1]:
            self._steps += 1
        before = self._samples[-1][0] if self._samples else moment
        self._samples.append((moment, done))
        while len(self._samples) > 2 and moment - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()
        if self._means_something(moment, done):
            self._update(moment, done, moment - before)
        return None if self._ends_at is None else max(0.0, self._ends_at - moment)

    def _means_something(self, moment: float, done: float) -> bool:
        assert self._first
        seconds, part = moment - self._first[0], done - self._first[1]
        if seconds >= LEAST_SECONDS_OF_STEPS and self._steps >= LEAST_STEPS:
            return True
        return seconds >= LEAST_SECONDS and part >= LEAST_DONE

    def _update(self, moment: float, done: float, seconds: float) -> None:
        since, before = self._samples[0]
        if done == before or moment == since:
            return
        ends_at = moment + (1 - done) * (moment - since) / (done - before)
        if self._ends_at is None or done >= 1:
            self._ends_at = ends_at
        else:
            self._ends_at += (ends_at - self._ends_at) * (1 - math.exp(-seconds / SMOOTHING_SECONDS))
