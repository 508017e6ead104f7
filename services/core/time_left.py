"""An estimate of the remaining time, which starts as soon as there are enough samples."""

import math
from collections import deque

#: An estimate needs samples over this many seconds, in which this part of the work was done.
LEAST_SECONDS = 3.0
LEAST_DONE = 0.02
#: For very slow work, this many steps over a longer time are enough.
LEAST_SECONDS_OF_STEPS = 10.0
LEAST_STEPS = 4
#: The speed is the mean over this many seconds, or over the last two samples if they are further apart.
WINDOW_SECONDS = 15.0
#: The time constant of the smoothing: after this many seconds, a new estimate has a weight of two thirds.
SMOOTHING_SECONDS = 5.0
#: The number of samples that are kept. At more than eight samples per second, they cover less than the window.
MOST_SAMPLES = 128


class TimeLeft:
    """Estimates when a stage of some work will be done. The caller passes samples with their times."""

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
