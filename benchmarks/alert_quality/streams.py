"""Rides of any number per day, drawn from real hours, that change at a random hour."""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.alert_quality import shifts, taxi
from benchmarks.alert_quality.hour_sums import Array
from benchmarks.alert_quality.over_time import TIME, Subject, subject
from benchmarks.alert_quality.subject import Change
from contract import bundle
from lambda_monitor.checks.over_time import DAY

# Days before the change: the longest horizon, and one more for the random hour.
BEFORE = 29
_START = pd.Timestamp("2019-01-01")
_UNITS = "trip_distance in kilometres"
_PREDICTION = "mean of the prediction alone"


@functools.cache
def stream() -> "Stream":
    """Return the rides of May and June 2019 against the shipped reference, read once per process."""
    return Stream(subject(taxi.SHIPPED))


@dataclass(frozen=True)
class Drawn:
    """Places of drawn rides in order of time, the hour of each, and the hour of the change."""

    places: Array
    hours: Array
    onset: int
    length: int


class Stream:
    """Rides by hour of the day, and each of them as a change makes it."""

    def __init__(self, of: Subject) -> None:
        """Read the rides, and name the changes."""
        self.of, self.watched = of, of.watched
        self.rides = of.rows(["2019-05", "2019-06"])
        clock = self.rides[TIME].dt.hour.to_numpy()
        self._by_hour = [np.flatnonzero(clock == hour) for hour in range(DAY)]
        self.changes = self._changes()

    def _changes(self) -> dict[str, Change]:
        found: dict[str, Change] = {}
        for by in shifts.DEVIATIONS:
            found[f"mean of trip_distance, {by} sd"] = shifts.mean("trip_distance", by)
            found[f"every trip_distance longer, {by} sd of its logarithm"] = shifts.stretch(
                "trip_distance", by
            )
            found[f"{_PREDICTION}, {by} sd"] = shifts.mean(bundle.PREDICTION_COLUMN, by)
        found[_UNITS] = shifts.times("trip_distance", 1.609)
        found["20% of PULocationID moved to 237"] = shifts.replaced("PULocationID", 237, 0.2)
        for share in (shifts.LARGE, shifts.SMALL):
            part = shifts.segment(self.watched, "PULocationID", share)
            label = f"trip_distance times 2 in a segment of about {share:.0%}"
            found[label] = shifts.within(part, shifts.times("trip_distance", 2))
        return found

    def changed(self, label: str, change: Change) -> pd.DataFrame:
        """Return every ride as `change` makes it, in the same order."""
        mixed = self.rides.sample(frac=1, random_state=1)
        rows = change(self.watched, mixed).sort_index()
        return rows if label.startswith(_PREDICTION) else self.watched.predicted(rows)

    @functools.cached_property
    def added(self) -> Array:
        """What each unchanged ride adds to the sums of its hour."""
        return self.of.hours.rows(self.rides)

    @functools.lru_cache(maxsize=2)  # noqa: B019  # a stream lives as long as its process
    def added_changed(self, label: str) -> Array:
        """Return what each ride adds after the change of that label."""
        return self.of.hours.rows(self.changed(label, self.changes[label]))

    def drawn(self, per_day: float, after: int, seed: int) -> Drawn:
        """Return rides of BEFORE days, and of `after` days from a random hour on."""
        rng = np.random.default_rng(seed)
        onset = (BEFORE - 1) * DAY + int(rng.integers(0, DAY))
        length = onset + after * DAY
        share = np.array([len(places) for places in self._by_hour]) / len(self.rides)
        counts = rng.poisson(per_day * share[np.arange(length) % DAY])
        places = [rng.choice(self._by_hour[hour % DAY], count) for hour, count in enumerate(counts)]
        return Drawn(np.concatenate(places), np.repeat(np.arange(length), counts), onset, length)

    def sums(self, drawn: Drawn, label: str) -> Array:
        """Return the sums of each hour."""
        before = drawn.hours < drawn.onset
        found = [
            _summed(drawn.places[rows], drawn.hours[rows], drawn.length, added)
            for rows, added in ((before, self.added), (~before, self.added_changed(label)))
        ]
        return np.asarray(found[0] + found[1])

    def rows(self, drawn: Drawn, changed: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
        """Return the rides of the hours [first, last), those from the change on out of `changed`."""
        inside = (drawn.hours >= first) & (drawn.hours < last)
        before = inside & (drawn.hours < drawn.onset)
        after = inside & (drawn.hours >= drawn.onset)
        rows = pd.concat([self.rides.iloc[drawn.places[before]], changed.iloc[drawn.places[after]]])
        return rows.assign(**{TIME: _START + pd.to_timedelta(drawn.hours[inside], unit="h")}).reset_index(
            drop=True
        )


def _summed(places: Array, hours: Array, length: int, added: Array) -> Array:
    shape = (length, len(added))
    counts = sparse.csr_matrix((np.ones(len(places), np.float64), (hours, places)), shape=shape)
    return np.asarray(counts @ added.astype(np.float64))
