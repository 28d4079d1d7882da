"""A small theLook, made by hand and by arithmetic: prices are whole quarters, so that sums are exact in any order."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from beam_pipelines.schema import Column, Type

Row = SimpleNamespace

COLUMNS = {
    "distribution_centers": "id INT64, name STRING, latitude FLOAT64, longitude FLOAT64",
    "products": "id INT64, cost FLOAT64, category STRING, name STRING, brand STRING, retail_price FLOAT64, "
    "department STRING, sku STRING, distribution_center_id INT64",
    "users": "id INT64, first_name STRING, last_name STRING, email STRING, age INT64, gender STRING, state STRING, "
    "street_address STRING, postal_code STRING, city STRING, country STRING, latitude FLOAT64, longitude FLOAT64, "
    "traffic_source STRING, created_at TIMESTAMP",
    "orders": "order_id INT64, user_id INT64, status STRING, gender STRING, created_at TIMESTAMP, "
    "returned_at TIMESTAMP, shipped_at TIMESTAMP, delivered_at TIMESTAMP, num_of_item INT64",
    "order_items": "id INT64, order_id INT64, user_id INT64, product_id INT64, inventory_item_id INT64, "
    "status STRING, created_at TIMESTAMP, shipped_at TIMESTAMP, delivered_at TIMESTAMP, returned_at TIMESTAMP, "
    "sale_price FLOAT64",
    "inventory_items": "id INT64, product_id INT64, created_at TIMESTAMP, sold_at TIMESTAMP, cost FLOAT64, "
    "product_category STRING, product_name STRING, product_brand STRING, product_retail_price FLOAT64, "
    "product_department STRING, product_sku STRING, product_distribution_center_id INT64",
    "events": "id INT64, user_id INT64, sequence_number INT64, session_id STRING, created_at TIMESTAMP, "
    "ip_address STRING, city STRING, state STRING, postal_code STRING, browser STRING, traffic_source STRING, "
    "uri STRING, event_type STRING",
}
GEOGRAPHY = {"distribution_centers": "distribution_center_geom", "users": "user_geom"}

_CATEGORIES = ("Jeans", "Swim", "Tops & Tees", "Socks", "Outerwear & Coats", "Active")
_BRANDS = ("Levi's", "Allegra K", "Carhartt", "Calvin Klein")
_CENTERS = (
    *(("Memphis TN", 35.1174, -89.9711), ("Chicago IL", 41.8369, -87.6847), ("Houston TX", 29.7604, -95.3698)),
    *(("Los Angeles CA", 34.05, -118.25),),
)
_PLACES = (
    *(("United States", "California", "San Diego", 32.72, -117.16), ("China", "Guangdong", "Shenzhen", 22.54, 114.06)),
    *(("Brasil", "São Paulo", "Campinas", -22.91, -47.06), ("France", "Île-de-France", "Paris", 48.86, 2.35)),
)
_FIRST_NAMES = ("Mary", "José", "Wei", "Anna", "O'Neil")
_LAST_NAMES = ("Smith", "Souza", "Li", "Martin", "Novak", "Jones", "Ito")
_STATUSES = ("Complete", "Complete", "Complete", "Shipped", "Processing", "Cancelled", "Returned")


@dataclass(frozen=True)
class Shop:
    """The rows of every table, by id."""

    distribution_centers: list[Row]
    products: list[Row]
    users: list[Row]
    orders: list[Row]
    order_items: list[Row]
    inventory_items: list[Row]
    events: list[Row]

    def product(self, item: Row) -> Row:
        """The product of an order item, a unit of stock or anything else that names one."""
        return self.products[item.product_id - 1]

    def user(self, row: Row) -> Row:
        """The user of an order, an order item or an event."""
        return self.users[row.user_id - 1]


def grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """The rows by key, keys in order."""
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items(), key=lambda group: group[0]))


def rounded(value: float, digits: int) -> float:
    """The value rounded as SQL does it: halves away from zero."""
    scaled = abs(value) * 10**digits
    return math.copysign(math.floor(scaled + 0.5) / 10**digits, value)


def make_shop(seed: int = 20) -> Shop:
    """The shop; every call gives the same."""
    draw = random.Random(seed)
    centers = [Row(id=i, name=n, latitude=lat, longitude=lon) for i, (n, lat, lon) in enumerate(_CENTERS, 1)]
    products = [_product(number, draw) for number in range(1, 25)]
    users = [_user(number, draw) for number in range(1, 61)]
    orders = _orders(users, draw)
    items, stock = _items(orders, products, draw)
    return Shop(centers, products, users, orders, items, stock, _events(users, products, draw))


def _product(number: int, draw: random.Random) -> Row:
    price = float(draw.randint(8, 160))
    return Row(
        id=number,
        cost=round(price * draw.randint(35, 60) / 25) / 4,
        category=_CATEGORIES[number % len(_CATEGORIES)],
        name=f"{_BRANDS[number % len(_BRANDS)]} {_CATEGORIES[number % len(_CATEGORIES)]} {number}",
        brand=_BRANDS[number % len(_BRANDS)],
        retail_price=price,
        department=("Women", "Men")[number % 2],
        sku=f"{number * 7919:08X}",
        distribution_center_id=number % len(_CENTERS) + 1,
    )


def _moment(day: dt.date, draw: random.Random) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) + dt.timedelta(seconds=draw.randrange(86400))


def _user(number: int, draw: random.Random) -> Row:
    country, state, city, latitude, longitude = _PLACES[draw.choice((0, 0, 1, 1, 2, 3))]
    first, last = draw.choice(_FIRST_NAMES), draw.choice(_LAST_NAMES)
    return Row(
        id=number,
        first_name=first,
        last_name=last,
        email=f"{last.lower()}{number}@example.{draw.choice(('com', 'net', 'org'))}",
        age=draw.randint(12, 70),
        gender=draw.choice("FM"),
        state=state,
        street_address=f"{number} Main Street",
        postal_code=f"{number:05}",
        city=city,
        country=country,
        latitude=latitude + draw.randint(-8, 8) / 16,
        longitude=longitude + draw.randint(-8, 8) / 16,
        traffic_source=draw.choice(("Search", "Search", "Search", "Organic", "Facebook", "Email", "Display")),
        created_at=_moment(dt.date(2023, 1, 1) + dt.timedelta(days=draw.randrange(300)), draw),
    )


def _orders(users: list[Row], draw: random.Random) -> list[Row]:
    """Of 50 of the users; a few have many."""
    placed = []
    for _ in range(190):
        user = users[min(draw.randrange(50), draw.randrange(50))]
        at = user.created_at + dt.timedelta(days=draw.randrange(420), seconds=draw.randrange(1, 86400))
        placed.append((at, user))
    orders = []
    for number, (at, user) in enumerate(sorted(placed, key=lambda each: each[0]), 1):
        status = draw.choice(_STATUSES)
        shipped = (
            at + dt.timedelta(minutes=draw.randrange(60, 4320)) if status in _STATUSES[:4] + _STATUSES[6:] else None
        )
        delivered = (
            shipped + dt.timedelta(minutes=draw.randrange(600, 7200))
            if shipped and status in ("Complete", "Returned")
            else None
        )
        returned = (
            delivered + dt.timedelta(minutes=draw.randrange(60, 4320)) if status == "Returned" and delivered else None
        )
        orders.append(
            Row(
                order_id=number,
                user_id=user.id,
                status=status,
                gender=user.gender,
                created_at=at,
                returned_at=returned,
                shipped_at=shipped,
                delivered_at=delivered,
                num_of_item=draw.choice((1, 1, 1, 2, 2, 3, 4)),
            )
        )
    return orders


def _items(orders: list[Row], products: list[Row], draw: random.Random) -> tuple[list[Row], list[Row]]:
    """The lines of the orders, and the stock that they were sold from and that is left."""
    items: list[Row] = []
    stock: list[Row] = []
    for order in orders:
        for product in draw.sample(products, order.num_of_item):
            received = order.created_at - dt.timedelta(days=draw.randrange(1, 60), seconds=draw.randrange(86400))
            stock.append(_unit(len(stock) + 1, product, received, order.created_at))
            stamps = ("created_at", "shipped_at", "delivered_at", "returned_at")
            times = {name: getattr(order, name) for name in stamps}
            items.append(
                Row(
                    id=len(items) + 1,
                    order_id=order.order_id,
                    user_id=order.user_id,
                    product_id=product.id,
                    inventory_item_id=len(stock),
                    status=order.status,
                    **times,
                    sale_price=product.retail_price * draw.choice((1.0, 1.0, 0.75, 0.5)),
                )
            )
    for _ in range(120):
        received = _moment(dt.date(2023, 2, 1) + dt.timedelta(days=draw.randrange(500)), draw)
        stock.append(_unit(len(stock) + 1, draw.choice(products), received, None))
    return items, stock


def _unit(number: int, product: Row, received: dt.datetime, sold: dt.datetime | None) -> Row:
    copied = {
        f"product_{name}": getattr(product, name)
        for name in ("category", "name", "brand", "retail_price", "department", "sku", "distribution_center_id")
    }
    return Row(id=number, product_id=product.id, created_at=received, sold_at=sold, cost=product.cost, **copied)


def _events(users: list[Row], products: list[Row], draw: random.Random) -> list[Row]:
    events: list[Row] = []
    for number in range(170):
        user = draw.choice(users) if draw.random() < 0.7 else None
        at = _moment(dt.date(2024, 1, 1) + dt.timedelta(days=draw.randrange(90)), draw)
        _, state, city, _, _ = _PLACES[draw.randrange(len(_PLACES))]
        session = Row(
            session_id=f"{number * 2654435761 % 2**32:08x}-aaaa",
            ip_address=f"10.0.{number // 256}.{number % 256}",
            city=city,
            state=state,
            postal_code=f"{number:05}",
            browser=draw.choice(("Chrome", "Safari", "Firefox", "IE", "Other")),
            traffic_source=draw.choice(("Email", "Adwords", "Organic", "YouTube", "Facebook")),
        )
        for sequence, (kind, uri) in enumerate(_visit(user is not None, products, draw), 1):
            identity = {"id": len(events) + 1, "user_id": user.id if user else None, "sequence_number": sequence}
            events.append(Row(**identity, **vars(session), created_at=at, uri=uri, event_type=kind))
            at += dt.timedelta(seconds=draw.randrange(5, 2400))
    return events


def _visit(signed_in: bool, products: list[Row], draw: random.Random) -> list[tuple[str, str]]:
    product = draw.choice(products)
    slug = product.category.lower().replace(" ", "").replace("&", "and")
    pages = [
        ("home", "/home"),
        ("department", f"/department/{product.department.lower()}/category/{slug}/brand/{product.brand.lower()}"),
        ("product", f"/product/{product.id}"),
        ("cart", "/cart"),
        ("purchase", "/purchase") if signed_in and draw.random() < 0.6 else ("cancel", "/cancel"),
    ]
    return pages[: draw.randint(1, 5)]


def columns_of(table: str) -> tuple[Column, ...]:
    """The table's columns, all of them nullable as in theLook."""
    pairs = (column.split() for column in COLUMNS[table].split(", "))
    return tuple(Column(name=name, type=Type[kind], nullable=True) for name, kind in pairs)


def batch_of(table: str, rows: list[Row]) -> pa.RecordBatch:
    """The rows of a table, as Arrow."""
    schema = pa.schema([column.arrow_field for column in columns_of(table)])
    return pa.RecordBatch.from_pylist([vars(row) for row in rows], schema=schema)
