"""What the load pipeline derives from the lake."""

from __future__ import annotations

from beam_pipelines.schema import Column, Partition, Table, TimeOrder, Type
from beam_pipelines.tables.columns import integer, money, string, timestamp
from beam_pipelines.tables.values import (
    BROWSERS,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    DEPARTMENTS,
    DEVICES,
    WEB_TRAFFIC_SOURCES,
)

ORDER_ITEMS = Table(
    name="order_items",
    description="An order line, with what its product cost and was at that moment.",
    columns=(
        integer("order_item_id", "Number of the order line."),
        integer("order_id", "The order it belongs to.", references="orders.order_id"),
        integer("customer_id", "Who ordered.", references="customers.customer_id"),
        integer("product_id", "What was ordered.", references="products.product_id"),
        integer(
            "product_version",
            "The product's version valid when the order was placed; null where its row was refused or unreadable.",
            nullable=True,
        ),
        integer("inventory_item_id", "The unit that was sold.", references="inventory_items.inventory_item_id"),
        timestamp("created_at", "When the order was placed."),
        string("channel", "Where the order was placed.", values=CHANNELS),
        string("country", "Country shipped to.", values=COUNTRIES),
        string(
            "department",
            "The product's department; null where its row was refused or unreadable.",
            values=DEPARTMENTS,
            nullable=True,
        ),
        string(
            "category",
            "The product's category; null where its row was refused or unreadable.",
            values=CATEGORIES,
            nullable=True,
        ),
        string("brand", "The product's brand; null where its row was refused or unreadable.", nullable=True),
        money("retail_price", "List price at that moment."),
        money("discount", "This unit's share of the promotion."),
        money("sale_price", "What was paid for the unit, before tax and shipping."),
        money("cost", "What the unit cost the shop when it was received."),
        money("margin", "sale_price - cost; below 0 for a unit sold at a loss.", minimum=None),
    ),
    key=("order_item_id",),
    partition=Partition(column="created_at"),
    cluster_by=("category", "customer_id"),
)

SESSIONS = Table(
    name="sessions",
    description="A session of the web shop on a UTC day: where it began, how deep it went, whether it bought.",
    columns=(
        string("session_id", "The session, a UUID."),
        integer(
            "customer_id",
            "Who signed in, null for a visitor who never did.",
            references="customers.customer_id",
            nullable=True,
        ),
        timestamp("started_at", "When its first event happened."),
        timestamp("ended_at", "When its last event happened."),
        integer("duration_seconds", "Whole seconds from the first event to the last.", minimum=0),
        integer("events", "How many events it has: its depth."),
        integer("product_views", "How many of them are views of a product's page.", minimum=0),
        string("landing_page", "Page of its first event."),
        string("exit_page", "Page of its last event."),
        Column(name="carted", type=Type.BOOLEAN, description="Whether something was put into the cart."),
        Column(name="purchased", type=Type.BOOLEAN, description="Whether it ended in an order."),
        integer("order_id", "The order placed, null for none.", references="orders.order_id", nullable=True),
        string("traffic_source", "What brought the visitor.", values=WEB_TRAFFIC_SOURCES),
        string("browser", "The visitor's browser.", values=BROWSERS),
        string("device", "The visitor's device.", values=DEVICES),
        string("city", "The visitor's city."),
        string("state", "State, province or region."),
        string("country", "Country, spelt as in theLook.", values=COUNTRIES),
    ),
    key=("session_id",),
    partition=Partition(column="started_at"),
    cluster_by=("traffic_source",),
    time_orders=(TimeOrder(earlier="started_at", later="ended_at"),),
)

DAILY_SALES = Table(
    name="daily_sales",
    description="Sales of a day by category, channel and country.",
    columns=(
        Column(name="day", type=Type.DATE, description="UTC day on which the orders were placed."),
        string("category", "Product category; null where it is not known.", values=CATEGORIES, nullable=True),
        string("channel", "Where the orders were placed.", values=CHANNELS),
        string("country", "Country shipped to.", values=COUNTRIES),
        integer("orders", "Orders with at least one unit in this cell; they do not add up over categories."),
        integer("units", "Units ordered."),
        money("revenue", "Sum of sale_price."),
        money("discount", "Sum of discounts."),
        money("margin", "Sum of margins.", minimum=None),
    ),
    key=("day", "category", "channel", "country"),
    partition=Partition(column="day"),
    cluster_by=("category", "country"),
)

DERIVED = (ORDER_ITEMS, SESSIONS, DAILY_SALES)
"""Tables that the load pipeline computes from the lake."""
