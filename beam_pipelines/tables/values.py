"""The values that columns may hold, spelt as in theLook where that has them."""

from __future__ import annotations

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
