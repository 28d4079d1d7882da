"""Events of the web shop: sessions that end in an order, and those around them that do not.

A day has four sessions for each of its orders, of any channel. The first is the one the order was placed in, if that
was on the web: it ends with the purchase, at the moment when the order was created. How sessions go says ``sessions``,
who comes says ``visitors``. Events are numbered session by session, and sessions by when they begin: only those of
orders begin earlier, for they end in time.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, calendar, clock, customers, draw, orders, pages, sessions, visitors
from beam_pipelines.world.pools import places

SOURCES = (0.45, 0.30, 0.05, 0.10, 0.10)
"""Share of sessions by ``tables.WEB_TRAFFIC_SOURCES``."""

CANCELS = 0.40
"""Share of the deep sessions without an order that end on /cancel; the others go back to the home page."""

DWELL_MICROSECONDS = (2_000_000, 240_000_000)
"""Between two events lie 2 seconds and the cube of a uniform draw times 4 minutes: 32 seconds in the median."""

PAUSE_MICROSECONDS = (1_800_000_000, 28_800_000_000)
"""Between filling a cart and coming back for it lie half an hour and the square of a uniform draw times 8 hours."""

ROOM_MICROSECONDS = 3_600_000_000
"""Whoever comes back for a cart does so this long after midnight or later, for both sessions are on the same day."""

_SESSION_STREAMS = ("moment", "customer", "kind", "session_id", "session_id, second half")
_WEB = tables.CHANNELS.index("web")
_DAY = calendar.MICROSECONDS_PER_DAY


def rows(seed: int, scale: float, day: int) -> int:
    """How many events a day has."""
    return rows_before(seed, scale, day + 1) - rows_before(seed, scale, day)


@functools.lru_cache(maxsize=4096)
def rows_before(seed: int, scale: float, day: int) -> int:
    """The number of events before a day, up to the one after the last."""
    return int(_first_keys(seed, scale)[day])


@functools.lru_cache(maxsize=8)
def _first_keys(seed: int, scale: float) -> draw.I64:
    blocks, rest = np.divmod(np.diff(calendar.first_keys(seed, scale, calendar.ORDERS)), sessions.ORDERS)
    number = sessions.numbers(seed, np.arange(len(blocks)), blocks)
    events = blocks * sessions.EVENTS + sessions.starts(seed)[number, rest * sessions.SLOTS]
    return np.concatenate([[0], np.cumsum(events)])


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Events ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.WEB_EVENTS``."""
    layout = sessions.layout(seed, int(sessions.numbers(seed, np.array([day]), np.array([block]))[0]))
    part = _Part.of(layout, int(layout.starts[:: sessions.SLOTS].searchsorted(rows)))
    first_order = calendar.rows_before(seed, scale, calendar.ORDERS, day) + block * sessions.ORDERS
    first_event = rows_before(seed, scale, day) + block * sessions.EVENTS
    lots = _Lots.of(seed, first_order * sessions.SLOTS, first_event, part)
    placed = orders.placed(seed, scale, day, block * sessions.ORDERS, part.orders)
    visits = _visits(seed, scale, day, block, part, lots, placed)
    event_type = _event_types(part, lots, visits)
    product = _products(seed, day, part, lots, placed, visits)
    columns = [
        arrays.integers(np.arange(first_event + 1, first_event + 1 + part.events)),
        _by_session(part, _session_ids(lots.identity)),
        arrays.integers(layout.sequence_number[: part.events]),
        arrays.integers(visits.customer_id.repeat(part.depths), _is_signed_in(seed, scale, day, part, visits)),
        arrays.timestamps(visits.occurred_at),
        arrays.strings(event_type, tables.WEB_EVENT_TYPES),
        arrays.strings(pages.pages(seed).page.take(pages.offsets().take(event_type) + product), pages.pages(seed).uris),
        arrays.integers(product, event_type == sessions.PRODUCT),
        _order_ids(part, placed, visits),
        arrays.strings(_sources().take(lots.source).repeat(part.depths), tables.WEB_TRAFFIC_SOURCES),
        *_visitors(seed, scale, day, part, lots, visits),
    ]
    batch = pa.RecordBatch.from_arrays(columns, schema=_schema())
    return batch if rows == part.events else batch.slice(0, rows)


@functools.lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    few = dict.fromkeys(("event_type", "traffic_source", "browser", "device", "country"), arrays.FEW)
    many = dict.fromkeys(("session_id", "uri", "ip_address", "city", "state", "postal_code"), arrays.MANY)
    return arrays.schema(tables.WEB_EVENTS, few | many)


@dataclass(frozen=True, eq=False)
class _Part:
    """The part of a layout that a block of so many orders has: sessions and events from the first on."""

    layout: sessions.Layout
    orders: int
    events: int
    starts: draw.I64
    """Events before each session, and in the end of all."""
    depths: draw.I64
    last: draw.I64
    """The last event of each order's own session."""

    @staticmethod
    @functools.lru_cache(maxsize=2 * sessions.LAYOUTS)
    def of(layout: sessions.Layout, orders: int) -> _Part:
        starts = layout.starts[: orders * sessions.SLOTS + 1]
        return _Part(layout, orders, int(starts[-1]), starts, np.diff(starts), starts[1 :: sessions.SLOTS] - 1)


@dataclass(frozen=True, eq=False)
class _Lots:
    """A block's randomness, but for its orders: arrays of one entry per session, but for ``event``."""

    moment: draw.U64
    customer: draw.U64
    identity: tuple[draw.U64, draw.U64]
    """128 bits."""
    country: draw.U16
    place: draw.U16
    source: draw.U16
    device: draw.U16
    event: draw.U64
    """For each event how long it took, in the upper half, and the product, in the lower one."""

    @staticmethod
    def of(seed: int, first_session: int, first_event: int, part: _Part) -> _Lots:
        """For the sessions and events from these on, which are numbered through all days."""
        session = np.arange(first_session, first_session + len(part.depths))
        event = np.arange(first_event, first_event + part.events)
        moment, customer, kind, upper, lower = (_words(seed, name, session) for name in _SESSION_STREAMS)
        country, place, source, device = draw.halves(kind)
        words = _words(seed, "event", event)
        return _Lots(moment, customer, (upper, lower), country, place, source, device, words)


@dataclass(frozen=True, eq=False)
class _Visits:
    """Who comes when."""

    customer_id: draw.I64
    """Of each session."""
    is_own: npt.NDArray[np.bool_]
    """Whether each order was placed in a session, its first one."""
    came_before: draw.I64
    """Orders whose second session is an earlier one of the same customer, who put a product into the cart."""
    occurred_at: draw.I64
    """Of each event, since 1970, UTC."""


def _visits(seed: int, scale: float, day: int, block: int, part: _Part, lots: _Lots, placed: orders.Placed) -> _Visits:
    midnight, slots = calendar.midnight(day), sessions.SLOTS
    passed = _dwell_times(lots.event).cumsum()
    first, last = passed.take(part.starts[:-1]), passed.take(part.starts[1:] - 1)
    lengths = last - first
    times = _times(seed, scale, day, block, lots.moment)
    begins = times + midnight
    is_own = placed.channel == _WEB
    begins[::slots] = np.where(is_own, placed.microseconds - lengths[::slots], begins[::slots])
    room = begins[::slots] - midnight
    came_before = (is_own & (room >= ROOM_MICROSECONDS) & (part.layout.carted[: part.orders] > 0)).nonzero()[0]
    earlier = came_before * slots + 1
    begins[earlier] = begins.take(earlier - 1) - lengths.take(earlier)
    begins[earlier] -= _pauses(lots.moment.take(earlier), room.take(came_before))
    before = calendar.rows_before(seed, scale, calendar.CUSTOMERS, day)
    if before:
        heavy = part.layout.is_heavy[: len(times)].nonzero()[0]
        customer_id = visitors.drawn(seed, before, times, lots.customer, (lots.country, lots.place), heavy)
        own = is_own.nonzero()[0]
        customer_id[own * slots] = placed.customer_id.take(own)
        customer_id[earlier] = placed.customer_id.take(came_before)
    else:
        customer_id = placed.customer_id.repeat(slots)
    occurred_at = passed
    occurred_at += (begins - first).repeat(part.depths)
    _squeeze(occurred_at, part, begins, lengths, midnight)
    return _Visits(customer_id, is_own, came_before, occurred_at)


def _times(seed: int, scale: float, day: int, block: int, words: draw.U64) -> draw.I64:
    """When sessions begin unless an order says otherwise, in microseconds since midnight; never decreasing."""
    share = draw.unit(words)
    share += np.arange(len(words)) + block * sessions.SESSIONS
    share /= calendar.rows_of(seed, scale, calendar.ORDERS, day) * sessions.SLOTS
    return clock.times(seed, day, np.minimum(share, 1 - 2.0**-40))


def _dwell_times(words: draw.U64) -> draw.I64:
    """Microseconds between the event before and each."""
    shortest, longer = DWELL_MICROSECONDS
    half = np.uint64(32)
    uniform = words >> half
    times = uniform * uniform
    times >>= half
    times *= uniform
    times >>= half
    times *= np.uint64(longer)
    times >>= half
    times += np.uint64(shortest)
    return times.view(np.int64)


def _pauses(words: draw.U64, room: draw.I64) -> draw.I64:
    """Microseconds between the end of an earlier session and the beginning of the one with the order.

    There is so much room before the latter; half of it is left for the earlier session.
    """
    shortest, longer = PAUSE_MICROSECONDS
    share = draw.unit(words)
    share *= share
    share *= longer
    return np.minimum(shortest + share.astype(np.int64), room // 2)


def _squeeze(occurred_at: draw.I64, part: _Part, begins: draw.I64, lengths: draw.I64, midnight: int) -> None:
    """Moves the events of sessions that cross midnight closer together, so that they lie within the day.

    What begins too early keeps its end, the others their beginning.
    """
    ends = begins + lengths
    first, last = midnight, midnight + _DAY - 1
    outside = ((begins < first) | (ends > last)).nonzero()[0]
    if not len(outside):
        return
    early = begins.take(outside) < first
    fixed = np.where(early, ends.take(outside), begins.take(outside))
    factor = (np.where(early, fixed - first, last - fixed)) / lengths.take(outside)
    depths = part.depths.take(outside)
    event = np.arange(depths.sum()) + (part.starts.take(outside) - depths.cumsum() + depths).repeat(depths)
    away = occurred_at.take(event) - fixed.repeat(depths)
    # Rounded towards the end that stays where it is.
    occurred_at[event] = fixed.repeat(depths) + (away * factor.repeat(depths)).astype(np.int64)


def _is_signed_in(seed: int, scale: float, day: int, part: _Part, visits: _Visits) -> npt.NDArray[np.bool_]:
    """Whether the visitor is known at each event: signed in, and signed up."""
    signs_in = part.layout.signs_in[: len(part.depths)].copy()
    own = visits.is_own.nonzero()[0]
    signs_in[own * sessions.SLOTS] = part.layout.signs_in_to_order.take(own)
    signs_in[visits.came_before * sessions.SLOTS + 1] = part.layout.signs_in_to_cart.take(visits.came_before)
    known: npt.NDArray[np.bool_] = part.layout.sequence_number[: part.events] >= signs_in.repeat(part.depths)
    new = (visits.customer_id >= customers.first_customer_id(seed, scale, day)).nonzero()[0]
    if len(new):
        signed_up = np.zeros(len(part.depths), np.int64)
        signed_up[new] = customers.signed_up_at(seed, scale, day, visits.customer_id.take(new))
        known &= visits.occurred_at > signed_up.repeat(part.depths)
    return known


def _event_types(part: _Part, lots: _Lots, visits: _Visits) -> npt.NDArray[np.int8]:
    event_type = part.layout.event_type[: part.events].copy()
    abandoned = (~visits.is_own).nonzero()[0]
    # The lowest bits, which the moment has left.
    cancels = (lots.moment.take(abandoned * sessions.SLOTS) & np.uint64(1023)) < round(CANCELS * 1024)
    event_type[part.last.take(abandoned)] = np.where(cancels, sessions.CANCEL, sessions.HOME)
    return event_type


def _products(seed: int, day: int, part: _Part, lots: _Lots, placed: orders.Placed, visits: _Visits) -> draw.I64:
    """The product that each event is about, 0 for none: what was ordered, was looked at."""
    layout = part.layout
    views = layout.views[: layout.views.searchsorted(part.events)]
    words = lots.event.take(views) & np.uint64((1 << pages.VIEW_BITS) - 1)
    products = np.zeros(len(views) + 1, np.int64)
    products[1:] = pages.viewed(seed, day, words.view(np.int64))
    order = np.arange(part.orders).repeat(placed.lines)
    line = np.arange(len(order)) - placed.starts[:-1].repeat(placed.lines)
    own = visits.is_own.take(order).nonzero()[0]
    products[layout.ordered[order.take(own), line.take(own)]] = placed.product_id.take(own)
    earlier = visits.came_before
    products[layout.carted.take(earlier)] = placed.product_id.take(placed.starts.take(earlier))
    return products.take(layout.product[: part.events])


def _order_ids(part: _Part, placed: orders.Placed, visits: _Visits) -> pa.Array[Any]:
    own = visits.is_own.nonzero()[0]
    order_id, present = np.zeros(part.events, np.int64), np.zeros(part.events, np.bool_)
    purchase = part.last.take(own)
    order_id[purchase] = placed.order_id.take(own)
    present[purchase] = True
    return arrays.integers(order_id, present)


def _visitors(seed: int, scale: float, day: int, part: _Part, lots: _Lots, visits: _Visits) -> list[pa.Array[Any]]:
    """Browser, device and address of the visitor: the columns from ``browser`` on."""
    known = places()
    city, postal_code = customers.address(seed, scale, day, visits.customer_id)
    equipment = visitors.equipment(seed, visits.customer_id, city, lots.device)
    cities = city.astype(np.int32).repeat(part.depths)
    return [
        arrays.strings(equipment.browser.repeat(part.depths), tables.BROWSERS),
        arrays.strings(equipment.device.repeat(part.depths), tables.DEVICES),
        _by_session(part, equipment.ip_address),
        arrays.strings(cities, known.city),
        arrays.strings(cities, known.state),
        arrays.strings(postal_code.astype(np.int32).repeat(part.depths), known.postal_codes),
        arrays.strings(known.country.take(city).view(np.int8).repeat(part.depths), tables.COUNTRIES),
    ]


def _words(seed: int, name: str, numbers: draw.I64) -> draw.U64:
    return draw.hashed(draw.key(seed, "web_events", name), numbers)


@functools.lru_cache(maxsize=1)
def _sources() -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(SOURCES, values=np.arange(len(SOURCES), dtype=np.int8))


_UUID = np.dtype(
    [("0", "<u4"), ("1", "<u4"), ("a", "u1"), ("2", "<u4"), ("b", "u1"), ("3", "<u4"), ("c", "u1"), ("4", "<u4"),
     ("d", "u1"), ("5", "<u4"), ("6", "<u4"), ("7", "<u4")]
)  # fmt: skip
"""The text of a UUID: eight times four digits with hyphens in between."""


def _session_ids(words: tuple[draw.U64, draw.U64]) -> pa.StringArray:
    """UUIDs of random bits (version 4)."""
    upper = words[0] & np.uint64(0xFF0F_FFFF_FFFF_FFFF) | np.uint64(0x0040_0000_0000_0000)
    lower = words[1] & np.uint64(0xFFFF_FFFF_FFFF_FF3F) | np.uint64(0x80)
    text = np.empty(len(upper), _UUID)
    for hyphen in "abcd":
        text[hyphen] = ord("-")
    for first, half in enumerate((upper, lower)):
        digits = _hexadecimal().take(half.view(np.uint16)).reshape(-1, 4)
        for number in range(4):
            text[str(first * 4 + number)] = digits[:, number]
    offsets = np.arange(len(text) + 1, dtype=np.int32) * np.int32(_UUID.itemsize)
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(text.view(np.uint8)))


@functools.lru_cache(maxsize=1)
def _hexadecimal() -> draw.U32:
    """The four digits of each two bytes, as text of four bytes: shape (65536,)."""
    return np.frombuffer(np.arange(65_536, dtype=np.uint16).tobytes().hex().encode(), np.uint32)


def _by_session(part: _Part, values: pa.StringArray) -> pa.DictionaryArray:
    """A string of each session for its events."""
    positions = pa.py_buffer(part.layout.session)
    return pa.DictionaryArray.from_buffers(arrays.MANY, part.events, [None, positions], values)
