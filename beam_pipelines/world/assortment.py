"""What the shop sells: product lines, what they cost and when they are wanted, brands, and the words of their names.

The lines are theLook's combinations of department and category, with theLook's shares of the catalogue; brands are
invented.
"""

from __future__ import annotations

from dataclasses import dataclass

BASICS = (1.0,) * 12
"""Demand that knows no season, by month from January."""


def _season(peak: float, *months: int) -> tuple[float, ...]:
    """Demand by month, 1 on average over the year and ``peak`` times as high in ``months`` as in the others."""
    rest = 12 / (12 + (peak - 1) * len(months))
    return tuple(rest * peak if month in months else rest for month in range(1, 13))


SUMMER = _season(2.5, 5, 6, 7, 8)
WINTER = _season(2.5, 10, 11, 12, 1, 2)
COOLER = _season(1.6, 9, 10, 11, 12, 1, 2)
WARMER = _season(1.5, 4, 5, 6, 7, 8)
GIFTS = _season(1.5, 11, 12)


@dataclass(frozen=True)
class Line:
    """One category of one department."""

    department: str
    category: str
    products: int
    """Share of the catalogue, in products of theLook's 29,120."""
    median: float
    """Median retail price of an average brand, dollars."""
    spread: float
    """Standard deviation of the logarithm of the price within a brand's tier, one of ``SPREADS``."""
    cost: float
    """What a product costs the shop, as a share of its retail price."""
    season: tuple[float, ...]
    """Demand by month from January, 1 on average."""
    style: str
    """Key of ``STYLES``: the words that go before the noun, and the brands that sell it."""
    nouns: tuple[str, ...]


SPREADS = (0.30, 0.40, 0.50)

CODES = {
    "Accessories": "ACC", "Active": "ACT", "Blazers & Jackets": "BLZ", "Clothing Sets": "SET", "Dresses": "DRS",
    "Fashion Hoodies & Sweatshirts": "HOO", "Intimates": "INT", "Jeans": "JEA", "Jumpsuits & Rompers": "JMP",
    "Leggings": "LEG", "Maternity": "MAT", "Outerwear & Coats": "OUT", "Pants": "PNT", "Pants & Capris": "CAP",
    "Plus": "PLS", "Shorts": "SHO", "Skirts": "SKI", "Sleep & Lounge": "SLP", "Socks": "SOC",
    "Socks & Hosiery": "HOS", "Suits": "SUI", "Suits & Sport Coats": "SPC", "Sweaters": "SWE", "Swim": "SWM",
    "Tops & Tees": "TOP", "Underwear": "UND",
}  # fmt: skip
"""Categories in a product's stock keeping unit."""

CENTERS = {
    "Accessories": (1, 2, 4), "Active": (3, 4, 9), "Blazers & Jackets": (6, 7), "Clothing Sets": (2,),
    "Dresses": (4, 6, 7), "Fashion Hoodies & Sweatshirts": (1, 2, 10), "Intimates": (2, 6, 9), "Jeans": (1, 3, 10),
    "Jumpsuits & Rompers": (4, 8), "Leggings": (4, 9), "Maternity": (5, 7), "Outerwear & Coats": (2, 6, 7),
    "Pants": (1, 3, 8), "Pants & Capris": (5, 8), "Plus": (1, 5), "Shorts": (3, 8, 10), "Skirts": (6, 9),
    "Sleep & Lounge": (2, 5, 9), "Socks": (1, 10), "Socks & Hosiery": (5, 10), "Suits": (6, 7),
    "Suits & Sport Coats": (2, 7), "Sweaters": (1, 2, 6), "Swim": (3, 4, 8), "Tops & Tees": (1, 4, 7, 10),
    "Underwear": (1, 5, 10),
}  # fmt: skip
"""Distribution centers (1 to 10) that stock a category."""

LINES = (
    Line("Men", "Accessories", 780, 29, 0.50, 0.41, GIFTS, "accessory", (
        "Leather Belt", "Reversible Belt", "Bifold Wallet", "Card Holder", "Silk Tie", "Wool Scarf", "Baseball Cap",
        "Knit Beanie", "Leather Gloves", "Sunglasses")),
    Line("Men", "Active", 760, 38, 0.40, 0.43, BASICS, "active", (
        "Training Tee", "Running Shorts", "Track Pants", "Quarter-Zip Pullover", "Compression Shirt", "Gym Tank",
        "Track Jacket", "Joggers")),
    Line("Men", "Fashion Hoodies & Sweatshirts", 950, 46, 0.40, 0.52, COOLER, "fleece", (
        "Pullover Hoodie", "Full-Zip Hoodie", "Crewneck Sweatshirt", "Half-Zip Sweatshirt", "Varsity Hoodie")),
    Line("Men", "Jeans", 960, 68, 0.40, 0.53, BASICS, "denim", (
        "Slim Fit Jeans", "Straight Leg Jeans", "Relaxed Fit Jeans", "Bootcut Jeans", "Tapered Jeans",
        "Skinny Jeans")),
    Line("Men", "Outerwear & Coats", 780, 110, 0.50, 0.44, WINTER, "outer", (
        "Parka", "Pea Coat", "Puffer Jacket", "Bomber Jacket", "Field Jacket", "Rain Jacket", "Topcoat",
        "Puffer Vest")),
    Line("Men", "Pants", 1060, 54, 0.40, 0.46, BASICS, "bottom", (
        "Chinos", "Cargo Pants", "Pleated Trousers", "Flat-Front Pants", "Work Pants", "Five-Pocket Pants",
        "Drawstring Pants")),
    Line("Men", "Shorts", 980, 37, 0.40, 0.50, SUMMER, "bottom", (
        "Chino Shorts", "Cargo Shorts", "Bermuda Shorts", "Drawstring Shorts", "Flat-Front Shorts")),
    Line("Men", "Sleep & Lounge", 640, 33, 0.40, 0.48, GIFTS, "lounge", (
        "Pajama Set", "Lounge Pants", "Robe", "Sleep Shorts", "Sleep Shirt")),
    Line("Men", "Socks", 905, 14, 0.30, 0.60, BASICS, "hosiery", (
        "Crew Socks", "Dress Socks", "Ankle Socks", "Boot Socks", "No-Show Socks")),
    Line("Men", "Suits & Sport Coats", 740, 125, 0.50, 0.40, BASICS, "tailored", (
        "Two-Button Suit", "Three-Piece Suit", "Sport Coat", "Blazer", "Tuxedo Jacket", "Dinner Jacket", "Suit Vest")),
    Line("Men", "Sweaters", 800, 62, 0.40, 0.48, WINTER, "knit", (
        "Crewneck Sweater", "V-Neck Sweater", "Cardigan", "Turtleneck Sweater", "Quarter-Zip Sweater",
        "Shawl Collar Cardigan", "Sweater Vest")),
    Line("Men", "Swim", 640, 40, 0.40, 0.51, SUMMER, "swim", (
        "Board Shorts", "Swim Trunks", "Volley Shorts", "Rash Guard", "Swim Briefs")),
    Line("Men", "Tops & Tees", 1010, 31, 0.40, 0.57, WARMER, "top", (
        "Crewneck Tee", "V-Neck Tee", "Henley", "Polo Shirt", "Oxford Shirt", "Button-Down Shirt", "Camp Shirt",
        "Tank Top")),
    Line("Men", "Underwear", 1090, 25, 0.30, 0.45, BASICS, "underwear", (
        "Boxer Briefs", "Boxers", "Briefs", "Trunks", "Undershirt", "Thermal Bottoms")),
    Line("Women", "Accessories", 800, 28, 0.50, 0.40, GIFTS, "accessory", (
        "Silk Scarf", "Wool Scarf", "Leather Belt", "Waist Belt", "Sun Hat", "Knit Beanie", "Sunglasses",
        "Leather Gloves", "Tote Bag", "Hair Scarf")),
    Line("Women", "Active", 690, 40, 0.40, 0.42, BASICS, "active", (
        "Sports Bra", "Running Leggings", "Yoga Pants", "Racerback Tank", "Training Tee", "Running Shorts",
        "Track Jacket", "Tennis Skirt")),
    Line("Women", "Blazers & Jackets", 560, 74, 0.50, 0.40, COOLER, "tailored", (
        "Blazer", "Cropped Jacket", "Boyfriend Blazer", "Peplum Jacket", "Collarless Jacket")),
    Line("Women", "Clothing Sets", 40, 78, 0.40, 0.60, BASICS, "top", (
        "Two-Piece Set", "Top and Skirt Set", "Tunic and Pants Set")),
    Line("Women", "Dresses", 955, 69, 0.50, 0.45, WARMER, "dress", (
        "Midi Dress", "Maxi Dress", "Wrap Dress", "Shift Dress", "Sheath Dress", "A-Line Dress", "Shirt Dress",
        "Sundress", "Cocktail Dress")),
    Line("Women", "Fashion Hoodies & Sweatshirts", 920, 44, 0.40, 0.52, COOLER, "fleece", (
        "Pullover Hoodie", "Full-Zip Hoodie", "Cropped Sweatshirt", "Crewneck Sweatshirt", "Tunic Sweatshirt")),
    Line("Women", "Intimates", 2360, 29, 0.40, 0.53, BASICS, "intimate", (
        "Bralette", "Underwire Bra", "Push-Up Bra", "T-Shirt Bra", "Thong", "Bikini Brief", "Hipster", "Camisole",
        "Slip", "Shaping Brief")),
    Line("Women", "Jeans", 1040, 72, 0.40, 0.54, BASICS, "denim", (
        "Skinny Jeans", "Straight Leg Jeans", "Bootcut Jeans", "Boyfriend Jeans", "High-Rise Jeans", "Flare Jeans",
        "Wide Leg Jeans")),
    Line("Women", "Jumpsuits & Rompers", 165, 42, 0.40, 0.52, WARMER, "dress", (
        "Jumpsuit", "Romper", "Wide Leg Jumpsuit", "Playsuit", "Culotte Jumpsuit")),
    Line("Women", "Leggings", 560, 22, 0.30, 0.59, COOLER, "legging", (
        "Leggings", "Cropped Leggings", "Jeggings", "Footless Tights", "High-Waist Leggings")),
    Line("Women", "Maternity", 910, 44, 0.40, 0.43, BASICS, "top", (
        "Maternity Dress", "Maternity Tee", "Nursing Top", "Maternity Leggings", "Maternity Tunic",
        "Nursing Camisole")),
    Line("Women", "Outerwear & Coats", 650, 115, 0.50, 0.45, WINTER, "outer", (
        "Trench Coat", "Wrap Coat", "Puffer Coat", "Pea Coat", "Parka", "Rain Jacket", "Duffle Coat", "Cape")),
    Line("Women", "Pants & Capris", 620, 50, 0.40, 0.58, BASICS, "bottom", (
        "Capris", "Ankle Pants", "Wide Leg Pants", "Trousers", "Culottes", "Cropped Pants")),
    Line("Women", "Plus", 730, 37, 0.40, 0.60, BASICS, "top", (
        "Plus Size Tunic", "Plus Size Blouse", "Plus Size Dress", "Plus Size Tee", "Plus Size Cardigan")),
    Line("Women", "Shorts", 790, 34, 0.40, 0.49, SUMMER, "bottom", (
        "Bermuda Shorts", "High-Waist Shorts", "Cuffed Shorts", "Chino Shorts", "Paperbag Shorts")),
    Line("Women", "Skirts", 370, 42, 0.40, 0.41, WARMER, "dress", (
        "Pencil Skirt", "Midi Skirt", "Maxi Skirt", "A-Line Skirt", "Wrap Skirt", "Mini Skirt")),
    Line("Women", "Sleep & Lounge", 1130, 36, 0.40, 0.49, GIFTS, "lounge", (
        "Pajama Set", "Nightgown", "Robe", "Sleep Shirt", "Lounge Pants", "Chemise")),
    Line("Women", "Socks & Hosiery", 670, 13, 0.30, 0.42, COOLER, "hosiery", (
        "Knee Socks", "Ankle Socks", "Crew Socks", "Slipper Socks", "Trouser Socks")),
    Line("Women", "Suits", 190, 98, 0.50, 0.58, BASICS, "tailored", (
        "Pantsuit", "Skirt Suit", "Three-Piece Suit", "Dress Suit")),
    Line("Women", "Sweaters", 940, 55, 0.40, 0.49, WINTER, "knit", (
        "Cardigan", "Crewneck Sweater", "V-Neck Sweater", "Turtleneck Sweater", "Wrap Cardigan", "Tunic Sweater",
        "Poncho")),
    Line("Women", "Swim", 1160, 48, 0.40, 0.51, SUMMER, "swim", (
        "One-Piece Swimsuit", "Bikini Top", "Bikini Bottom", "Tankini", "Swim Dress", "Cover-Up")),
    Line("Women", "Tops & Tees", 860, 32, 0.40, 0.56, WARMER, "top", (
        "Blouse", "Tunic", "Crewneck Tee", "V-Neck Tee", "Tank Top", "Peasant Top", "Shirt", "Bodysuit")),
)  # fmt: skip


@dataclass(frozen=True)
class Style:
    """What may stand before the noun, and who sells it."""

    adjectives: tuple[str, ...]
    materials: tuple[str, ...]
    """Empty strings where the nouns say what they are made of."""
    field: str
    """Field of ``BRANDS`` whose makers specialize in it."""


def _style(field: str, adjectives: str, materials: str) -> Style:
    return Style(tuple(adjectives.split(", ")), tuple(materials.split(", ")), field)


STYLES = {
    "accessory": _style(
        "accessory",
        "Classic, Woven, Textured, Everyday, Embossed, Two-Tone, Heritage, Oversized, Weekend, Signature, Vintage",
        "",
    ),
    "active": _style(
        "active",
        "Quick-Dry, Seamless, Reflective, Four-Way Stretch, Ventilated, Featherlight, Colorblock, Performance, Trail",
        "Mesh, Stretch Jersey, Microfiber, Stretch Knit, Recycled Polyester, Cotton Blend",
    ),
    "bottom": _style(
        "general",
        "Slim Fit, Relaxed Fit, Garment-Dyed, Stretch, Washed, Cuffed, Tailored, Everyday, Lightweight, Wrinkle-Free",
        "Twill, Cotton, Linen, Linen Blend, Canvas, Corduroy, Ripstop, Poplin",
    ),
    "denim": _style(
        "denim",
        "Dark Wash, Light Wash, Distressed, Rinsed, Faded, Stonewashed, Raw Hem, Vintage Wash, Overdyed, Whiskered",
        "Denim, Stretch Denim, Selvedge Denim, Organic Denim",
    ),
    "dress": _style(
        "general",
        "Floral, Pleated, Belted, Ruffled, Tiered, Printed, Smocked, Polka Dot, Embroidered, Draped, Striped, Flared",
        "Crepe, Chiffon, Jersey, Cotton, Linen, Satin, Viscose, Ponte",
    ),
    "fleece": _style(
        "active",
        "Graphic, Oversized, Vintage, Garment-Dyed, Brushed, Colorblock, Heathered, Embroidered, Striped, Relaxed",
        "Fleece, French Terry, Cotton, Cotton Blend, Sherpa, Organic Cotton",
    ),
    "hosiery": _style(
        "intimate",
        "Ribbed, Striped, Argyle, Cushioned, Patterned, Seamless, Polka Dot, Fair Isle, Cable Knit, Arch Support",
        "Cotton, Merino Wool, Bamboo, Wool Blend, Combed Cotton, Cashmere Blend",
    ),
    "intimate": _style(
        "intimate",
        "Seamless, Embroidered, Scalloped, Sheer, Invisible, Wireless, Plunge, Everyday, Floral, Convertible, Smooth",
        "Lace, Microfiber, Satin, Cotton, Modal, Mesh, Stretch Lace",
    ),
    "knit": _style(
        "outdoor",
        "Ribbed, Cable Knit, Chunky, Fine-Gauge, Marled, Striped, Waffle Knit, Fair Isle, Textured, Lightweight",
        "Cotton, Merino Wool, Cashmere, Lambswool, Wool Blend, Alpaca, Mohair Blend",
    ),
    "legging": _style(
        "active",
        "Seamless, High-Shine, Printed, Fleece-Lined, Stirrup, Moto, Ribbed, Everyday, Side-Stripe, Sculpting",
        "Cotton, Ponte, Stretch Jersey, Microfiber, Bamboo, Modal",
    ),
    "lounge": _style(
        "intimate",
        "Plaid, Striped, Brushed, Waffle Knit, Printed, Cozy, Piped, Relaxed, Lightweight, Hooded, Dotted",
        "Flannel, Cotton, Modal, Satin, Jersey, Fleece, Silk Blend",
    ),
    "outer": _style(
        "outdoor",
        "Quilted, Water-Resistant, Insulated, Hooded, Double-Breasted, Packable, Belted, Longline, Lined, Windproof",
        "Wool, Nylon, Down, Waxed Cotton, Wool Blend, Canvas, Softshell, Twill",
    ),
    "swim": _style(
        "active",
        "Striped, Tropical Print, Colorblock, Ruched, Quick-Dry, Floral, Retro, Palm Print, Textured, Solid",
        "Recycled Nylon, Stretch Nylon, Ribbed Knit, Microfiber, Crochet Knit",
    ),
    "tailored": _style(
        "tailored",
        "Slim Fit, Classic Fit, Pinstripe, Windowpane, Herringbone, Tailored, Textured, Modern Fit, Glen Check",
        "Wool, Linen, Tweed, Stretch Wool, Wool Blend, Cotton, Velvet",
    ),
    "top": _style(
        "general",
        "Relaxed, Slub, Striped, Printed, Garment-Dyed, Embroidered, Boxy, Pintuck, Gathered, Everyday, Lightweight",
        "Cotton, Linen, Jersey, Organic Cotton, Chambray, Modal, Viscose, Pima Cotton",
    ),
    "underwear": _style(
        "intimate",
        "Classic, Seamless, Striped, Low-Rise, Tagless, Ribbed, Everyday, Contour, Printed, Breathable",
        "Cotton, Stretch Cotton, Modal, Bamboo, Microfiber, Pima Cotton",
    ),
}

COLORS = (
    *("Black", "White", "Navy", "Charcoal", "Ivory", "Olive", "Burgundy", "Camel"),
    *("Grey", "Indigo", "Rust", "Sage", "Teal", "Blush", "Cobalt", "Mustard"),
    *("Plum", "Sand", "Forest", "Coral", "Slate", "Cream", "Rose", "Fuchsia"),
)

TIERS = {1: 0.68, 2: 1.0, 3: 1.55}
"""Prices of a brand's tier relative to the average brand: value, mid-market, premium."""

_BRANDS = {
    "general": (
        "Harlow & Finch:2, Alder & Wren:2, Bramblecote:1, Marlowe Lane:2, Pinecrest Supply:1, Oakhurst & Daughters:2, "
        "Northmere:3, Fernhollow:1, Willowmarsh:1, Larkspur Row:2, Quillonby:2, Tamsin Greyle:3, Briar & Bellows:2, "
        "Calloway Mills:1, Dunmere:2, Elmsworthy:1, Hartsorrel:3, Inglecombe:1, Juniper Vale:2, Kestrelby:2, "
        "Lindenhall:2, Mossgate:1, Nettlecombe:1, Orchard & Ash:2, Penhallam:2, Quaymere:2, Rookwood Lane:2, "
        "Tidewellow:1, Umberly:2, Verity Brooke & Sons:3, Wexcombe:1, Yarrowby:1, Zinnia & Fox:3, Ashgrove Works:1, "
        "Birchwater:1, Cobblestone Yard:1, Dovetreen:2, Edenmoor:2, Foxlease:2, Greywillow:2, Hollowbrook:1, "
        "Jessamere:3, Kilnbridge:1, Lanternhouse:2, Meadowlark Union:1, Nightingale & Rye:3, Ostrander Field:2, "
        "Plumfield:1, Ravensmere:3, Silverleaf Row:2, Thornaby Street:1, Vesper Hillman:3, Windlestone:1"
    ),
    "denim": (
        "Rivet & Loom:2, Copperstitch:2, Blue Quarry:1, Selvage Union:3, Indigo Freight:2, Millrace Denim:1, "
        "Dustbowl Denim:1, Ironlark:3, Tin Anvil:2, Warp & Weld:2"
    ),
    "active": (
        "Coralline Bay:2, Tidepool Club:1, Saltwick:2, Sunskipper:1, Pacewell:2, Stridefield:1, Velotide:3, "
        "Summit Lark:2, Corewind:2, Hydrelle:3, Trailmarten:2, Halcyon Stride:3, Driftline Athletic:1, Lapswift:2, "
        "Bounding Hare:1"
    ),
    "intimate": (
        "Petalcourt:2, Silkwyn:3, Moonhush:2, Linnet & Lace:3, Blushwell:1, Underwood & Hush:2, Featherlane:2, "
        "Dreamthistle:1, Cottonwick:1, Softmoor:1, Barefoot Heron:2, Toe & Tackle:1, Sockwright:2, Wooly Badger:1, "
        "Maison Orlette:3, Quietfold:2"
    ),
    "tailored": (
        "Aldous Crane:3, Beaumont Thorne:3, Savernake Tailors:3, Whitlock & Pryce:2, Edmund Vale:2, Carrow & Hythe:2, "
        "Montrose Avery:1, Lucien Bray:2, Delacourt Finch:3, Fenwright:1"
    ),
    "outdoor": (
        "Frostfell:2, Highfell Outfitters:2, Fair Ewe Lane:1, Woolgather & Moss:2, Peakmoor:1, Galehouse:2, "
        "Cairnwell:3, Loden Ridge:3, Snowmere:1, Hearthknit:2"
    ),
    "accessory": (
        "Buckle & Byrd:2, Tannery Row:2, Saddler's Daughter:3, Lorgnelle:3, Hatfield Thorn:2, Clasp & Keep:1"
    ),
}
"""Invented brands with their tier, the larger ones first in every field."""


@dataclass(frozen=True)
class Brand:
    """A maker of clothes."""

    name: str
    field: str
    """What it is known for: ``general`` makers sell everything, others what their field's styles cover."""
    tier: int
    """Key of ``TIERS``."""
    is_late: bool
    """Whether the shop takes it up some time after the opening."""

    @property
    def code(self) -> str:
        """Two letters that begin its stock keeping units; brands may share them."""
        words = [word for word in self.name.split() if word != "&"]
        return (words[0][0] + (words[1][0] if len(words) > 1 else words[0][-1])).upper()


def _is_late(rank: int, brands: int) -> bool:
    """Of the smaller half of a field's brands, two in three come late: a third of all, with a fifth of the products."""
    return rank >= brands // 2 and rank % 3 > 0


BRANDS = tuple(
    Brand(name, field, int(tier), _is_late(rank, brands.count(":")))
    for field, brands in _BRANDS.items()
    for rank, (name, tier) in enumerate(brand.split(":") for brand in brands.split(", "))
)
