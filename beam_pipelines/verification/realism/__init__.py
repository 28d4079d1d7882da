"""What makes retail data look real, as measures: what is published of shops, and the shares of theLook's columns.

Bounds are those of what is wanted, not of what the generator does; chance is added when a measure is taken, by the
standard error that its SQL gives.
"""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure, Prepared
from beam_pipelines.verification.realism import buyers, demand, fulfilment, goods, web

PREPARED: tuple[Prepared, ...] = (*demand.PREPARED, *buyers.PREPARED, *goods.PREPARED, *fulfilment.PREPARED)
"""Tables that several measures read, beside those of ``integrity``."""

MEASURES: tuple[Measure, ...] = (
    *demand.MEASURES,
    *buyers.MEASURES,
    *web.MEASURES,
    *goods.MEASURES,
    *fulfilment.MEASURES,
)
"""Every measure."""
