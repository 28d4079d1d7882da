"""How sessions of the web shop go: how deep they are, their steps, and when the visitor signs in.

A block of web events is 2,048 sessions of 16,384 events, four sessions for each of 512 orders. How deep its sessions
are and what their steps are is a layout, one of a few that blocks take in turn by lot. So where each session begins,
the number of each event in its session and nearly every event's type are arrays that a process makes once; what differs
from block to block is who visits, when, which products, and whether the order's own session ends in a purchase.

The first session of an order (slot 0) is deep: it is the one the order was placed in, or else an abandoned one. The
other three are browsing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import draw

LAYOUTS = 8
"""Layouts that blocks take by lot."""

SLOTS = 4
"""Sessions per order."""

ORDERS = 512
"""Orders of a whole block."""

SESSIONS = ORDERS * SLOTS
EVENTS = draw.BLOCK_ROWS

MEDIAN_DEPTH = 5
"""Depth is exponential with this median, that is, it halves every five events ..."""

TAIL_HALVING = 6
"""... up to the median, and every six beyond it: that makes eight events a session."""

SHORTEST_ORDERING = 8
"""Events of the shortest session with an order: landing, department, up to four products, cart, purchase."""

VIEWERS = (0.25, 0.30, 0.40, 0.68)
"""Share of browsing sessions of one, two, three and more events in which a product is looked at."""

CARTING = 0.50
"""Share of those with four events or more and a look at a product in which one goes into the cart."""

CARTING_EARLY = 0.08
"""Share of the steps on the way of a deep session, after a product, that already go to the cart."""

ANONYMOUS = 0.70
"""Share of sessions without an order in which the visitor never signs in."""

AT_ONCE = 0.50
"""Share of the other sessions in which the visitor is signed in from the first event on."""

HEAVY = (0.16, 0.24)
"""Share of sessions without an order, anonymous and signed in, by heavy browsers where the country has any."""

HOME, DEPARTMENT, PRODUCT, CART, PURCHASE, CANCEL = range(6)
"""Indexes into ``tables.WEB_EVENT_TYPES``."""

_STEPS = (
    (0.70, 0.30, 0.00),
    (0.60, 0.20, 0.20),
    (0.20, 0.80, 0.00),
    (0.08, 0.27, 0.65),
)
"""Home, department, product: as landing of those who look at no product and of those who do, and as a later step."""

_NEVER = 1 << 16
STRATA = 16
"""Parts from shallow to deep, from which the sessions of a layout come in turn."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The constants of a block; a block of fewer orders has the first of each of them.

    Sessions are numbered from 0 in the block, session ``4 k + s`` is slot s of order k. Products are numbered from 1 in
    the order of the events that look at them, 0 is none.
    """

    starts: draw.I64
    """Events before each session, and in the end of all: shape (2049,)."""
    session: npt.NDArray[np.int32]
    """Each event's session: shape (16384,), as all that follow unless they say otherwise."""
    sequence_number: draw.I64
    """Each event's number in its session, from 1."""
    event_type: npt.NDArray[np.int8]
    """Each event's type, as if every order were placed on the web."""
    product: draw.I64
    """The number of the product that is looked at, or that is looked at next after a department's page; 0 for none."""
    views: draw.I64
    """The event that says which product it is, by product: shape (products,), ascending."""
    ordered: draw.I64
    """Products that the order's session looks at last, from the last one back: shape (512, 4)."""
    carted: draw.I64
    """The product before the cart in slot 1, 0 if nothing goes into it: shape (512,)."""
    signs_in_to_cart: draw.I64
    """Sequence number from which the visitor is signed in at slot 1 who keeps the cart for later: shape (512,)."""
    signs_in: draw.I64
    """Sequence number from which the visitor is signed in, of sessions without an order: shape (2048,)."""
    signs_in_to_order: draw.I64
    """The same of the session that an order is placed in: shape (512,)."""
    is_heavy: npt.NDArray[np.bool_]
    """Whether a session without an order is a heavy browser's: shape (2048,)."""


@functools.lru_cache(maxsize=2 * LAYOUTS)
def layout(seed: int, number: int) -> Layout:
    """One of the layouts of a seed."""
    depths = depths_of(seed, number)
    starts = _starts(depths)
    session = np.repeat(np.arange(SESSIONS), depths)
    sequence_number = np.arange(1, EVENTS + 1) - starts[session]
    carts = _carts(seed, number, depths)
    event_type = _types(seed, number, depths, starts, carts)
    product, views = _products(event_type, starts[session + 1])
    last = starts[1::SLOTS] - 1
    signs_in = _signs_in(seed, number, depths)
    at_once = _lots(seed, number, "signs in to order", ORDERS) < AT_ONCE
    heavy_lots = _lots(seed, number, "heavy", SESSIONS)
    return Layout(
        starts=starts,
        session=session.astype(np.int32),
        sequence_number=sequence_number,
        event_type=event_type,
        product=product,
        views=views,
        ordered=product[last[:, None] - 2 - np.arange(SLOTS)],
        carted=np.where(carts > 0, product[starts[:-1] + carts - 1], 0)[1::SLOTS],
        signs_in_to_cart=np.minimum(signs_in, carts + 1)[1::SLOTS],
        signs_in=signs_in,
        signs_in_to_order=np.where(at_once, 1, depths[::SLOTS] - 1),
        is_heavy=heavy_lots < np.where(signs_in == _NEVER, *HEAVY),
    )


def starts(seed: int) -> draw.I64:
    """Events before each session of each layout, and in the end of all: shape (8, 2049)."""
    return np.stack([_starts(depths_of(seed, number)) for number in range(LAYOUTS)])


def numbers(seed: int, days: npt.NDArray[np.integer], blocks: npt.NDArray[np.integer]) -> draw.I64:
    """Which layout each block of a day has."""
    keys = days.astype(np.int64) * (1 << 32) + blocks
    return draw.below(draw.hashed(draw.key(seed, "web_events", "layout"), keys), LAYOUTS)


@functools.lru_cache(maxsize=2 * LAYOUTS)
def depths_of(seed: int, number: int) -> draw.I64:
    """Events of each session of a layout: shape (2048,).

    >>> depths = depths_of(42, 3)
    >>> int(depths.sum()), int(np.median(depths)), int(depths[::SLOTS].min())
    (16384, 5, 8)
    """
    depths = _depths()
    deep = int((depths >= SHORTEST_ORDERING).sum())
    own = np.zeros(SESSIONS, np.bool_)
    own[(np.arange(ORDERS) * 2 + 1) * deep // (2 * ORDERS)] = True
    laid_out: draw.I64 = np.empty(SESSIONS, np.int64)
    by_order = laid_out.reshape(ORDERS, SLOTS)
    by_order[:, 0] = _stirred(depths[own], _lots(seed, number, "turn", 2 * ORDERS))
    others = _stirred(depths[~own], _lots(seed, number, "turn of others", 2 * (SESSIONS - ORDERS)))
    by_order[:, 1:] = others.reshape(ORDERS, SLOTS - 1)
    return laid_out


def _stirred(ordered: draw.I64, lots: draw.F64) -> draw.I64:
    """Depths in random order, of every sixteen of them one from each sixteenth: a day of few orders is a day too."""
    strata = ordered.reshape(STRATA, -1)
    one, other = lots.reshape(2, *strata.shape)
    groups = np.take_along_axis(strata, one.argsort(axis=1, kind="stable"), axis=1).T
    return np.take_along_axis(groups, other.T.argsort(axis=1, kind="stable"), axis=1).ravel()


@functools.lru_cache(maxsize=1)
def _depths() -> draw.I64:
    """The depths that every layout has, deepest first: shape (2048,), 16,384 in all."""
    context = Context(prec=28)
    deeper = []
    for depth in range(1, EVENTS):
        # Depths are rounded: deeper than 2 is whoever would have gone beyond two and a half.
        beyond = Decimal(depth) + Decimal("0.5") - MEDIAN_DEPTH
        halvings = 1 + beyond / (MEDIAN_DEPTH if beyond < 0 else TAIL_HALVING)
        deeper.append(round(SESSIONS * context.power(Decimal(2), -halvings)))
        if not deeper[-1]:
            break
    depths: draw.I64 = 1 + (np.array(deeper)[:, None] > np.arange(SESSIONS)).sum(axis=0, dtype=np.int64)
    # What rounding leaves over, a few events, goes to the deepest.
    depths[0] += EVENTS - depths.sum()
    return depths


def _starts(depths: draw.I64) -> draw.I64:
    return np.concatenate([[0], np.cumsum(depths)])


def _lots(seed: int, number: int, what: str, count: int) -> draw.F64:
    """Numbers in [0, 1) for a layout's sessions or events."""
    keys = np.arange(count) + number * EVENTS
    return draw.unit(draw.hashed(draw.key(seed, "web_events", "layout", what), keys))


def _looks_at_products(seed: int, number: int, depths: draw.I64) -> npt.NDArray[np.bool_]:
    share = np.array(VIEWERS)[np.minimum(depths, len(VIEWERS)) - 1]
    share[::SLOTS] = 1
    looks: npt.NDArray[np.bool_] = _lots(seed, number, "looks", SESSIONS) < share
    return looks


def _carts(seed: int, number: int, depths: draw.I64) -> draw.I64:
    """Events before the cart in sessions that put something into it and leave, 0 in all others."""
    lots = _lots(seed, number, "carts", SESSIONS)
    carts = _looks_at_products(seed, number, depths) & (depths >= len(VIEWERS)) & (lots < CARTING)
    carts[::SLOTS] = False
    # Up to three more events follow; at least a landing, another page and a product come before.
    after = np.floor(lots / CARTING * np.minimum(depths - 3, 4)).astype(np.int64)
    return np.where(carts, depths - 1 - after, 0)


def _types(seed: int, number: int, depths: draw.I64, starts: draw.I64, carts: draw.I64) -> npt.NDArray[np.int8]:
    """The events' types."""
    session = np.repeat(np.arange(SESSIONS), depths)
    before = np.arange(EVENTS) - starts[session]
    looks = _looks_at_products(seed, number, depths)
    steps = np.concatenate([draw.inverse_cdf(weights, 12, np.arange(3, dtype=np.int8)) for weights in _STEPS])
    kind = looks[session] + 2 * (before > 0)
    types: npt.NDArray[np.int8] = steps[kind * 4096 + (_lots(seed, number, "steps", EVENTS) * 4096).astype(np.int64)]
    none_yet = looks & (np.add.reduceat(types == PRODUCT, starts[:-1]) == 0)
    types[starts[1:][none_yet] - 1] = PRODUCT
    cart = (starts[:-1] + carts)[carts > 0]
    types[cart] = CART
    types[cart - 1] = PRODUCT
    left = depths[session] - 1 - before
    own = session % SLOTS == 0
    types[own & (before == 1)] = DEPARTMENT
    types[own & (left < 2 + SLOTS)] = PRODUCT
    early = _lots(seed, number, "early cart", EVENTS) < CARTING_EARLY
    after_product = np.append(False, types[:-1] == PRODUCT)
    types[own & early & after_product & (before > 1) & (left >= 2 + SLOTS)] = CART
    types[own & (left == 1)] = CART
    types[own & (left == 0)] = PURCHASE
    return types


def _products(event_type: npt.NDArray[np.int8], ends: draw.I64) -> tuple[draw.I64, draw.I64]:
    """The number of each event's product, and the events that say which they are; ``ends`` are their sessions'."""
    event = np.arange(EVENTS)
    looks = event_type == PRODUCT
    following = np.minimum.accumulate(np.where(looks, event, EVENTS)[::-1])[::-1]
    # After the last product of a session, a department's page leads to none: it has a product of its own.
    following = np.where(following < ends, following, event)
    has_product = looks | (event_type == DEPARTMENT)
    views = np.unique(following[has_product])
    return np.where(has_product, views.searchsorted(following) + 1, 0), views


def _signs_in(seed: int, number: int, depths: draw.I64) -> draw.I64:
    """Sequence numbers from which visitors who do not order are signed in."""
    lots = (_lots(seed, number, "signs in", SESSIONS) - ANONYMOUS) / (1 - ANONYMOUS)
    later = 2 + np.floor((lots - AT_ONCE) / (1 - AT_ONCE) * (depths - 1)).astype(np.int64)
    signs_in = np.where((lots < AT_ONCE) | (depths == 1), 1, later)
    return np.where(lots < 0, _NEVER, signs_in)
