"""List prices of us-east-1, with their date and pages."""

from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("prices.json")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`usd` for `per` units; AWS's page, and the address of a document that states the figure, if any."""

    usd: float
    per: int
    unit: str
    page: str
    source: str | None


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices by name, of a region on a date."""

    region: str
    date: str
    prices: dict[str, Price]

    def cost(self, name: str, quantity: float) -> float:
        """Return the dollars of a quantity. Raises KeyError for an unknown price."""
        price = self.prices[name]
        return quantity / price.per * price.usd


def load() -> Prices:
    """Return the prices of `prices.json`."""
    return msgspec.json.decode(FILE.read_bytes(), type=Prices)
