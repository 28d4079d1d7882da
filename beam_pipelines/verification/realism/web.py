"""How the web shop is visited: depth of sessions, the way to a purchase, browsers and sources."""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure
from beam_pipelines.verification.realism.shares import share, shares

_LANDINGS = "web_events WHERE sequence_number = 1"
_WHOLE = "sessions WHERE complete"


def _depth(name: str, target: str, value: str, bounds: tuple[float, float]) -> Measure:
    return Measure(
        name=f"sessions.{name}",
        target=target,
        sql=f"SELECT {value}, count(*), 0 FROM {_WHOLE}",  # noqa: S608 - our own
        needs=("sessions",),
        low=bounds[0],
        high=bounds[1],
    )


def _funnel(name: str, target: str, condition: str, bounds: tuple[float, float], source: str = _WHOLE) -> Measure:
    return share(f"funnel.{name}", target, condition, source, bounds, ("sessions",))


MEASURES: tuple[Measure, ...] = (
    _depth("median", "5 events", "median(events)", (4, 6)),
    _depth("mean", "exponential: the mean is 1.44 times the median", "avg(events) / median(events)", (1.25, 1.75)),
    share("sessions.deep", "exponential: a quarter is deeper than twice the median", "(events > 10)", _WHOLE,
          (0.18, 0.32), ("sessions",)),
    _funnel("bounced", "sessions of one page", "(events = 1)", (0.08, 0.30)),
    _funnel("product", "sessions with a product view", "(product IS NOT NULL)", (0.45, 0.80)),
    _funnel("cart", "sessions with a cart", "(cart IS NOT NULL)", (0.15, 0.50)),
    _funnel("purchase", "sessions with a purchase", "(purchase IS NOT NULL)", (0.05, 0.25)),
    _funnel("abandoned", "carts that are left, in shops about 70 %", "(purchase IS NULL)", (0.40, 0.85),
            f"{_WHOLE} AND cart IS NOT NULL"),
    Measure(
        name="funnel.finished_later",
        target="carts may be finished in a later session",
        sql=f"""
            SELECT avg(CAST(bought.started_at < filled.started_at + INTERVAL 1 DAY IS TRUE AS INTEGER)), count(*), 0
            FROM (FROM {_WHOLE} AND purchase IS NOT NULL) AS bought
            ASOF LEFT JOIN (FROM {_WHOLE} AND cart IS NOT NULL AND purchase IS NULL) AS filled
              ON bought.customer_id = filled.customer_id AND bought.started_at > filled.started_at""",  # noqa: S608
        needs=("sessions",),
        low=0.01,
        high=0.50,
        percent=True,
    ),
    *shares("web.browser", "browser", _LANDINGS,
            {"Chrome": 0.50, "Safari": 0.20, "Firefox": 0.20, "IE": 0.05, "Other": 0.05},
            ("web_events.browser", "web_events.sequence_number")),
    *shares("web.source", "traffic_source", _LANDINGS,
            {"Email": 0.45, "Adwords": 0.30, "Organic": 0.05, "YouTube": 0.10, "Facebook": 0.10},
            ("web_events.traffic_source", "web_events.sequence_number")),
)  # fmt: skip
"""Sessions, the funnel, browsers and sources."""
