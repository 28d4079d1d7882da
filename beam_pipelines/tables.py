"""The retail domain: every table, its columns and what they mean, keys, partitions and clustering.

Column names follow theLook eCommerce where the thing is the same. Timestamps are UTC microseconds, money is
NUMERIC(12, 2) in US dollars.
"""

from __future__ import annotations

from beam_pipelines.schema import Column, Equation, Partition, Table, Type

DEPARTMENTS = ("Men", "Women")
CATEGORIES = (
    "Accessories",
    "Active",
    "Blazers & Jackets",
    "Clothing Sets",
    "Dresses",
    "Fashion Hoodies & Sweatshirts",
    "Intimates",
    "Jeans",
    "Jumpsuits & Rompers",
    "Leggings",
    "Maternity",
    "Outerwear & Coats",
    "Pants",
    "Pants & Capris",
    "Plus",
    "Shorts",
    "Skirts",
    "Sleep & Lounge",
    "Socks",
    "Socks & Hosiery",
    "Suits",
    "Suits & Sport Coats",
    "Sweaters",
    "Swim",
    "Tops & Tees",
    "Underwear",
)
COUNTRIES = (
    "United States",
    "China",
    "Brasil",
    "South Korea",
    "France",
    "United Kingdom",
    "Germany",
    "Spain",
    "Japan",
    "Australia",
    "Belgium",
    "Poland",
    "Colombia",
    "Austria",
)
GENDERS = ("F", "M")
TRAFFIC_SOURCES = ("Search", "Organic", "Facebook", "Email", "Display")
CHANNELS = ("web", "app", "marketplace")
PAYMENT_METHODS = ("card", "paypal", "bank_transfer", "gift_card")
CARRIERS = ("DHL", "FedEx", "UPS", "USPS")
ORDER_EVENT_TYPES = ("shipped", "delivered", "cancelled", "returned")
WEB_EVENT_TYPES = ("home", "department", "product", "cart", "purchase", "cancel")
WEB_TRAFFIC_SOURCES = ("Email", "Adwords", "Organic", "YouTube", "Facebook")
BROWSERS = ("Chrome", "Safari", "Firefox", "IE", "Other")
DEVICES = ("desktop", "mobile", "tablet")


def _integer(
    name: str, description: str, *, minimum: float | None = 1, references: str = "", nullable: bool = False
) -> Column:
    return Column(
        name=name,
        type=Type.INT64,
        description=description,
        minimum=minimum,
        references=references,
        nullable=nullable,
    )


def _string(name: str, description: str, *, values: tuple[str, ...] = (), nullable: bool = False) -> Column:
    return Column(name=name, type=Type.STRING, description=description, values=values, nullable=nullable)


def _money(name: str, description: str, *, minimum: float | None = 0, nullable: bool = False) -> Column:
    return Column(
        name=name,
        type=Type.NUMERIC,
        precision=12,
        scale=2,
        description=description,
        minimum=minimum,
        nullable=nullable,
    )


def _timestamp(name: str, description: str) -> Column:
    return Column(name=name, type=Type.TIMESTAMP, description=description)


def _degrees(name: str, description: str, bound: float) -> Column:
    return Column(name=name, type=Type.FLOAT64, description=description, minimum=-bound, maximum=bound)


DISTRIBUTION_CENTERS = Table(
    name="distribution_centers",
    description="A warehouse that stocks and ships products.",
    columns=(
        _integer("distribution_center_id", "Number of the distribution center, 1 to 10."),
        _string("name", "City and state, as in theLook."),
        _degrees("latitude", "Degrees north.", 90),
        _degrees("longitude", "Degrees east.", 180),
    ),
    key=("distribution_center_id",),
)

PRODUCTS = Table(
    name="products",
    description="A version of a product: announced, or its price or cost changed.",
    columns=(
        _integer("product_id", "Number of the product, dense from 1 in order of launch."),
        _integer("version", "1 when it is announced, one more for every change."),
        _timestamp("valid_from", "When this version took effect; the first does a month before the launch."),
        _timestamp("launched_at", "When the product was first offered."),
        _string("sku", "Stock keeping unit, unique to the product."),
        _string("name", "Name shown in the shop."),
        _string("brand", "Brand, fictional."),
        _string("category", "One of theLook's 26 categories.", values=CATEGORIES),
        _string("department", "Men or Women.", values=DEPARTMENTS),
        _money("retail_price", "List price, before any discount."),
        _money("cost", "What one unit costs the shop."),
        _integer(
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
        _integer("customer_id", "Number of the customer, dense from 1 in order of sign-up."),
        _integer("version", "1 at sign-up, one more for every change."),
        _timestamp("valid_from", "When this version took effect."),
        _timestamp("created_at", "When the customer signed up."),
        _string("first_name", "Given name, from the customer's country."),
        _string("last_name", "Family name, from the customer's country."),
        _string("email", "E-mail address at a reserved example domain, unique to the customer."),
        Column(name="age", type=Type.INT64, description="Age in years at sign-up.", minimum=12, maximum=70),
        _string("gender", "F or M, as in theLook.", values=GENDERS),
        _string("street_address", "Street and number."),
        _string("postal_code", "Postal code in the country's format."),
        _string("city", "City."),
        _string("state", "State, province or region."),
        _string("country", "Country, spelt as in theLook.", values=COUNTRIES),
        _degrees("latitude", "Degrees north, near the city's centre.", 90),
        _degrees("longitude", "Degrees east, near the city's centre.", 180),
        _string("traffic_source", "What brought the customer to sign up.", values=TRAFFIC_SOURCES),
    ),
    key=("customer_id", "version"),
    partition=Partition(column="valid_from", granularity="MONTH"),
    cluster_by=("country", "state"),
)

INVENTORY_ITEMS = Table(
    name="inventory_items",
    description="One unit of a product, as it was received.",
    columns=(
        _integer("inventory_item_id", "Number of the unit, dense from 1 by day of receipt."),
        _integer("product_id", "What it is.", references="products.product_id"),
        _integer(
            "distribution_center_id",
            "Where it was received.",
            references="distribution_centers.distribution_center_id",
        ),
        _timestamp("created_at", "When it was received."),
        _money("cost", "What the unit cost the shop."),
    ),
    key=("inventory_item_id",),
    partition=Partition(column="created_at"),
    cluster_by=("product_id",),
)

ORDERS = Table(
    name="orders",
    description="An order as it was placed, with its items.",
    columns=(
        _integer("order_id", "Number of the order, dense from 1 in order of placement."),
        _integer("customer_id", "Who ordered.", references="customers.customer_id"),
        _timestamp("created_at", "When the order was placed."),
        _string("channel", "Where the order was placed.", values=CHANNELS),
        _string("payment_method", "How the order was paid.", values=PAYMENT_METHODS),
        _string("country", "Country shipped to, the customer's.", values=COUNTRIES),
        _string("promotion_code", "Promotion redeemed, null for none.", nullable=True),
        _money("subtotal", "Sum of the items' retail prices."),
        _money("discount", "Sum of the items' discounts."),
        _money("shipping", "Charged for shipping; 0 above the free-shipping threshold."),
        _money("tax", "Sales tax on what the items were sold for."),
        _money("total", "What the customer paid: subtotal - discount + shipping + tax."),
        Column(
            name="items",
            type=Type.RECORD,
            repeated=True,
            description="One entry per unit ordered, 1 to 4; in a fraudulent order up to 12.",
            fields=(
                _integer(
                    "order_item_id",
                    "Number of the order line; each order has 16 numbers, so that it leads back to the order.",
                ),
                _integer("product_id", "What was ordered.", references="products.product_id"),
                _integer(
                    "inventory_item_id",
                    "The unit that was sold; no unit is sold twice.",
                    references="inventory_items.inventory_item_id",
                ),
                _money("retail_price", "The product's list price at that moment."),
                _money("discount", "This unit's share of the promotion."),
                _money("sale_price", "retail_price - discount."),
                _money("cost", "What the unit cost the shop when it was received."),
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
        _integer("event_id", "Number of the event, dense from 1 by day."),
        _integer("order_id", "The order it happened to.", references="orders.order_id"),
        _string("event_type", "What happened.", values=ORDER_EVENT_TYPES),
        _timestamp("occurred_at", "When it happened."),
        _string("carrier", "Who ships the order; null if it was cancelled.", values=CARRIERS, nullable=True),
        _money("refund", "Of a return, what the returned units were sold for, without tax; else null.", nullable=True),
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
        _integer("event_id", "Number of the event, dense from 1 by day."),
        _string("session_id", "The session, a UUID."),
        _integer("sequence_number", "Number of the event in its session, from 1."),
        _integer(
            "customer_id",
            "Who it is, from the event on with which the visitor signed in; null before and for who never did.",
            references="customers.customer_id",
            nullable=True,
        ),
        _timestamp("occurred_at", "When it happened."),
        _string("event_type", "What was looked at or done.", values=WEB_EVENT_TYPES),
        _string("uri", "The page: /home, /department/women/category/jeans/brand/levis, /product/123, /cart ..."),
        _integer(
            "product_id",
            "The product looked at, null for other pages.",
            references="products.product_id",
            nullable=True,
        ),
        _integer(
            "order_id", "The order placed, null for all but purchases.", references="orders.order_id", nullable=True
        ),
        _string("traffic_source", "What brought the visitor.", values=WEB_TRAFFIC_SOURCES),
        _string("browser", "The visitor's browser.", values=BROWSERS),
        _string("device", "The visitor's device.", values=DEVICES),
        _string("ip_address", "The visitor's IPv4 address, which lies in the visitor's city."),
        _string("city", "The visitor's city."),
        _string("state", "State, province or region."),
        _string("postal_code", "Postal code in the country's format."),
        _string("country", "Country, spelt as in theLook.", values=COUNTRIES),
    ),
    key=("event_id",),
    partition=Partition(column="occurred_at"),
    cluster_by=("event_type", "customer_id"),
)

ORDER_ITEMS = Table(
    name="order_items",
    description="An order line, with what its product cost and was at that moment.",
    columns=(
        _integer("order_item_id", "Number of the order line."),
        _integer("order_id", "The order it belongs to.", references="orders.order_id"),
        _integer("customer_id", "Who ordered.", references="customers.customer_id"),
        _integer("product_id", "What was ordered.", references="products.product_id"),
        _integer("product_version", "The product's version valid when the order was placed."),
        _integer("inventory_item_id", "The unit that was sold.", references="inventory_items.inventory_item_id"),
        _timestamp("created_at", "When the order was placed."),
        _string("channel", "Where the order was placed.", values=CHANNELS),
        _string("country", "Country shipped to.", values=COUNTRIES),
        _string("department", "The product's department.", values=DEPARTMENTS),
        _string("category", "The product's category.", values=CATEGORIES),
        _string("brand", "The product's brand."),
        _money("retail_price", "List price at that moment."),
        _money("discount", "This unit's share of the promotion."),
        _money("sale_price", "What was paid for the unit, before tax and shipping."),
        _money("cost", "What the unit cost the shop when it was received."),
        _money("margin", "sale_price - cost; below 0 for a unit sold at a loss.", minimum=None),
    ),
    key=("order_item_id",),
    partition=Partition(column="created_at"),
    cluster_by=("category", "customer_id"),
)

DAILY_SALES = Table(
    name="daily_sales",
    description="Sales of a day by category, channel and country.",
    columns=(
        Column(name="day", type=Type.DATE, description="UTC day on which the orders were placed."),
        _string("category", "Product category.", values=CATEGORIES),
        _string("channel", "Where the orders were placed.", values=CHANNELS),
        _string("country", "Country shipped to.", values=COUNTRIES),
        _integer("orders", "Orders with at least one unit in this cell; they do not add up over categories."),
        _integer("units", "Units ordered."),
        _money("revenue", "Sum of sale_price."),
        _money("discount", "Sum of discounts."),
        _money("margin", "Sum of margins.", minimum=None),
    ),
    key=("day", "category", "channel", "country"),
    partition=Partition(column="day"),
    cluster_by=("category", "country"),
)

LAKE = (DISTRIBUTION_CENTERS, PRODUCTS, CUSTOMERS, INVENTORY_ITEMS, ORDERS, ORDER_EVENTS, WEB_EVENTS)
"""Tables that the generate pipeline writes, in the order in which a row may refer to another."""

DIMENSIONS = (DISTRIBUTION_CENTERS, PRODUCTS, CUSTOMERS)
"""Lake tables whose rows stay valid, so that a day of facts needs all their earlier days too."""

LONGEST_IN_STOCK = 28
"""Days after which a unit that is sold at all has been sold."""

HISTORY = {table.name: None for table in DIMENSIONS} | {INVENTORY_ITEMS.name: LONGEST_IN_STOCK}
"""Of which tables a period of facts needs earlier days too: how many of them, None for all."""

DERIVED = (ORDER_ITEMS, DAILY_SALES)
"""Tables that the load pipeline computes from the lake."""


def dead_letters(table: Table) -> Table:
    """Where the refused records of a lake table go.

    One table per source with the source's own partitions, so that loading a partition again replaces exactly its own
    dead letters; the view ``ops.dead_letters`` is all of them.
    """
    granularity = table.partition.granularity if table.partition else "MONTH"
    return Table(
        name=f"dead_letters_{table.name}",
        dataset="ops",
        description=f"Records of {table.name} that were refused, and why.",
        columns=(
            Column(
                name="partition_date", type=Type.DATE, description="First day of the partition the record was read for."
            ),
            _string("table_name", "Table the record was meant for."),
            _string(
                "reason", "Rule that the record broke: required, range, values, references, partition or an equation."
            ),
            _string("field", "Column the rule is about."),
            _string("expected", "What the rule asks for."),
            _string("actual", "What the record holds."),
            _string("file", "File the record was read from, relative to the lake."),
            _integer("block_offset", "Position of the record's block in the file, in bytes.", minimum=0),
            _integer("row_in_block", "Number of the record in its block, from 0.", minimum=0),
            _string("record", "The record itself as JSON."),
        ),
        partition=Partition(column="partition_date", granularity=granularity),
        cluster_by=("reason",),
    )


DEAD_LETTERS = tuple(dead_letters(table) for table in LAKE)

WAREHOUSE = LAKE + DERIVED + DEAD_LETTERS
"""Every table in BigQuery."""

BY_NAME = {table.name: table for table in WAREHOUSE}
