"""What the lake holds: the tables that the generate pipeline writes."""

from __future__ import annotations

from beam_pipelines.schema import Column, Equation, Partition, Table, TimeOrder, Type
from beam_pipelines.tables.columns import degrees, integer, money, string, timestamp
from beam_pipelines.tables.values import (
    BROWSERS,
    CARRIERS,
    CATEGORIES,
    CHANNELS,
    COUNTRIES,
    DEPARTMENTS,
    DEVICES,
    GENDERS,
    ORDER_EVENT_TYPES,
    PAYMENT_METHODS,
    TRAFFIC_SOURCES,
    WEB_EVENT_TYPES,
    WEB_TRAFFIC_SOURCES,
)

DISTRIBUTION_CENTERS = Table(
    name="distribution_centers",
    description="A warehouse that stocks and ships products.",
    columns=(
        integer("distribution_center_id", "Number of the distribution center, 1 to 10."),
        string("name", "City and state, as in theLook."),
        degrees("latitude", "Degrees north.", 90),
        degrees("longitude", "Degrees east.", 180),
    ),
    key=("distribution_center_id",),
)

PRODUCTS = Table(
    name="products",
    description="A version of a product: announced, or its price or cost changed.",
    columns=(
        integer("product_id", "Number of the product, dense from 1 in order of launch."),
        integer("version", "1 when it is announced, one more for every change."),
        timestamp("valid_from", "When this version took effect; the first does a month before the launch."),
        timestamp("launched_at", "When the product was first offered."),
        string("sku", "Stock keeping unit, unique to the product."),
        string("name", "Name shown in the shop."),
        string("brand", "Brand, fictional."),
        string("category", "One of theLook's 26 categories.", values=CATEGORIES),
        string("department", "Men or Women.", values=DEPARTMENTS),
        money("retail_price", "List price, before any discount."),
        money("cost", "What one unit costs the shop."),
        integer(
            "distribution_center_id",
            "Where the product is stocked.",
            references="distribution_centers.distribution_center_id",
        ),
    ),
    key=("product_id", "version"),
    partition=Partition(column="valid_from", granularity="MONTH"),
    cluster_by=("department", "category", "brand"),
)

CUSTOMERS = Table(
    name="customers",
    description="A version of a customer: signed up, moved, or changed the e-mail address.",
    columns=(
        integer("customer_id", "Number of the customer, dense from 1 in order of sign-up."),
        integer("version", "1 at sign-up, one more for every change."),
        timestamp("valid_from", "When this version took effect."),
        timestamp("created_at", "When the customer signed up."),
        string("first_name", "Given name, from the customer's country."),
        string("last_name", "Family name, from the customer's country."),
        string("email", "E-mail address at a reserved example domain, unique to the customer."),
        Column(name="age", type=Type.INT64, description="Age in years at sign-up.", minimum=12, maximum=70),
        string("gender", "F or M, as in theLook.", values=GENDERS),
        string("street_address", "Street and number."),
        string("postal_code", "Postal code in the country's format."),
        string("city", "City."),
        string("state", "State, province or region."),
        string("country", "Country, spelt as in theLook.", values=COUNTRIES),
        degrees("latitude", "Degrees north, near the city's centre.", 90),
        degrees("longitude", "Degrees east, near the city's centre.", 180),
        string("traffic_source", "What brought the customer to sign up.", values=TRAFFIC_SOURCES),
    ),
    key=("customer_id", "version"),
    partition=Partition(column="valid_from", granularity="MONTH"),
    cluster_by=("country", "state"),
    time_orders=(TimeOrder(earlier="created_at", later="valid_from"),),
)

INVENTORY_ITEMS = Table(
    name="inventory_items",
    description="One unit of a product, as it was received.",
    columns=(
        integer("inventory_item_id", "Number of the unit, dense from 1 by day of receipt."),
        integer("product_id", "What it is.", references="products.product_id"),
        integer(
            "distribution_center_id",
            "Where it was received.",
            references="distribution_centers.distribution_center_id",
        ),
        timestamp("created_at", "When it was received."),
        money("cost", "What the unit cost the shop."),
    ),
    key=("inventory_item_id",),
    partition=Partition(column="created_at"),
    cluster_by=("product_id",),
)

ORDERS = Table(
    name="orders",
    description="An order as it was placed, with its items.",
    columns=(
        integer("order_id", "Number of the order, dense from 1 in order of placement."),
        integer("customer_id", "Who ordered.", references="customers.customer_id"),
        timestamp("created_at", "When the order was placed."),
        string("channel", "Where the order was placed.", values=CHANNELS),
        string("payment_method", "How the order was paid.", values=PAYMENT_METHODS),
        string("country", "Country shipped to, the customer's.", values=COUNTRIES),
        string("promotion_code", "Promotion redeemed, null for none.", nullable=True),
        money("subtotal", "Sum of the items' retail prices."),
        money("discount", "Sum of the items' discounts."),
        money("shipping", "Charged for shipping; 0 above the free-shipping threshold."),
        money("tax", "Sales tax on what the items were sold for."),
        money("total", "What the customer paid: subtotal - discount + shipping + tax."),
        Column(
            name="items",
            type=Type.RECORD,
            repeated=True,
            description="One entry per unit ordered, 1 to 4; in a fraudulent order up to 12.",
            fields=(
                integer(
                    "order_item_id",
                    "Number of the order line; each order has 16 numbers, so that it leads back to the order.",
                ),
                integer("product_id", "What was ordered.", references="products.product_id"),
                integer(
                    "inventory_item_id",
                    "The unit that was sold; no unit is sold twice.",
                    references="inventory_items.inventory_item_id",
                ),
                money("retail_price", "The product's list price at that moment."),
                money("discount", "This unit's share of the promotion."),
                money("sale_price", "retail_price - discount."),
                money("cost", "What the unit cost the shop when it was received."),
            ),
        ),
    ),
    key=("order_id",),
    partition=Partition(column="created_at"),
    cluster_by=("customer_id",),
    equations=(
        Equation(name="items_add_up", left="subtotal", plus=("items.retail_price",)),
        Equation(name="discounts_add_up", left="discount", plus=("items.discount",)),
        Equation(name="sale_price", left="items.sale_price", plus=("items.retail_price",), minus=("items.discount",)),
        Equation(name="total_adds_up", left="total", plus=("subtotal", "shipping", "tax"), minus=("discount",)),
    ),
)

ORDER_EVENTS = Table(
    name="order_events",
    description="Something that happened to an order after it was placed.",
    columns=(
        integer("event_id", "Number of the event, dense from 1 by day."),
        integer("order_id", "The order it happened to.", references="orders.order_id"),
        string("event_type", "What happened.", values=ORDER_EVENT_TYPES),
        timestamp("occurred_at", "When it happened."),
        string("carrier", "Who ships the order; null if it was cancelled.", values=CARRIERS, nullable=True),
        money("refund", "Of a return, what the returned units were sold for, without tax; else null.", nullable=True),
        Column(
            name="order_item_ids",
            type=Type.INT64,
            repeated=True,
            description="Of a return, the order lines that came back; else empty.",
            minimum=1,
        ),
    ),
    key=("event_id",),
    partition=Partition(column="occurred_at"),
    cluster_by=("order_id",),
)

WEB_EVENTS = Table(
    name="web_events",
    description="A page view or action in a session of the web shop.",
    columns=(
        integer("event_id", "Number of the event, dense from 1 by day."),
        string("session_id", "The session, a UUID."),
        integer("sequence_number", "Number of the event in its session, from 1."),
        integer(
            "customer_id",
            "Who it is, from the event on with which the visitor signed in; null before and for who never did.",
            references="customers.customer_id",
            nullable=True,
        ),
        timestamp("occurred_at", "When it happened."),
        string("event_type", "What was looked at or done.", values=WEB_EVENT_TYPES),
        string("uri", "The page: /home, /department/women/category/jeans/brand/levis, /product/123, /cart ..."),
        integer(
            "product_id",
            "The product looked at, null for other pages.",
            references="products.product_id",
            nullable=True,
        ),
        integer(
            "order_id", "The order placed, null for all but purchases.", references="orders.order_id", nullable=True
        ),
        string("traffic_source", "What brought the visitor.", values=WEB_TRAFFIC_SOURCES),
        string("browser", "The visitor's browser.", values=BROWSERS),
        string("device", "The visitor's device.", values=DEVICES),
        string("ip_address", "The visitor's IPv4 address, which lies in the visitor's city."),
        string("city", "The visitor's city."),
        string("state", "State, province or region."),
        string("postal_code", "Postal code in the country's format."),
        string("country", "Country, spelt as in theLook.", values=COUNTRIES),
    ),
    key=("event_id",),
    partition=Partition(column="occurred_at"),
    cluster_by=("event_type", "customer_id"),
)

LAKE = (DISTRIBUTION_CENTERS, PRODUCTS, CUSTOMERS, INVENTORY_ITEMS, ORDERS, ORDER_EVENTS, WEB_EVENTS)
"""Tables that the generate pipeline writes, in the order in which a row may refer to another."""

DIMENSIONS = (DISTRIBUTION_CENTERS, PRODUCTS, CUSTOMERS)
"""Lake tables whose rows stay valid, so that a day of facts needs all their earlier days too."""

LONGEST_IN_STOCK = 28
"""Days after which a unit that is sold at all has been sold."""

HISTORY = {table.name: None for table in DIMENSIONS} | {INVENTORY_ITEMS.name: LONGEST_IN_STOCK}
"""Of which tables a period of facts needs earlier days too: how many of them, None for all."""
