"""What the demo's products, suppliers and warehouses are called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """Products that share materials and sizes.

    Attributes
    ----------
    share : float
        Weight among the categories.
    unit_cost : float
        The median.
    peak_months : tuple of int
        When most of its SKUs sell best; empty where there is no season.
    """

    prefix: str
    share: float
    unit_cost: float
    peak_months: tuple[int, ...]
    products: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Country:
    """Where suppliers sit and how long their goods travel [days]."""

    name: str
    share: float
    currency: str
    shortest_days: float
    longest_days: float
    company: str
    places: tuple[str, ...]


CATEGORIES = (
    Category(
        "CKW", 12, 16.0, (),
        ("Saucepan", "Frying Pan", "Sauté Pan", "Stockpot", "Wok", "Casserole", "Grill Pan", "Milk Pan"),
        ("Stainless Steel", "Non-stick Aluminium", "Cast Iron", "Carbon Steel", "Enamelled"),
        ("16 cm", "18 cm", "20 cm", "24 cm", "28 cm"),
    ),
    Category(
        "KNF", 5, 11.0, (),
        ("Chef's Knife", "Bread Knife", "Santoku Knife", "Carving Knife", "Slicing Knife"),
        ("Forged", "Stamped Steel", "Damascus", "Ceramic"),
        ("15 cm", "18 cm", "20 cm", "23 cm"),
    ),
    Category(
        "UTN", 14, 2.8, (),
        ("Spatula", "Ladle", "Whisk", "Slotted Spoon", "Tongs", "Potato Masher", "Pasta Server", "Pastry Brush"),
        ("Silicone", "Beechwood", "Nylon", "Stainless Steel", "Olive Wood"),
        ("25 cm", "28 cm", "30 cm", "33 cm"),
    ),
    Category(
        "BKW", 9, 6.5, (11, 12),
        ("Loaf Tin", "Cake Tin", "Baking Tray", "Tart Tin", "Pie Dish", "Roasting Tin"),
        ("Non-stick Steel", "Aluminium", "Stoneware", "Silicone"),
        ("20 cm", "23 cm", "26 cm", "30 cm"),
    ),
    Category(
        "STG", 12, 3.6, (),
        ("Food Container", "Canister", "Lunch Box", "Storage Jar", "Butter Dish", "Salad Shaker"),
        ("Glass", "Borosilicate", "Polypropylene", "Steel", "Bamboo-lidded"),
        ("0.3 L", "0.5 L", "0.75 L", "1 L", "1.5 L"),
    ),
    Category(
        "PRS", 4, 2.2, (8, 9),
        ("Preserving Jar", "Canning Jar", "Jam Jar", "Pickling Jar"),
        ("Clip-top", "Screw-top", "Embossed", "Wide-mouth"),
        ("250 ml", "500 ml", "1 L", "2 L"),
    ),
    Category(
        "TBW", 11, 4.2, (),
        ("Dinner Plate", "Side Plate", "Serving Bowl", "Platter", "Pasta Bowl", "Ramekin"),
        ("Porcelain", "Stoneware", "Bone China", "Melamine", "Terracotta"),
        ("10 cm", "16 cm", "20 cm", "22 cm", "27 cm"),
    ),
    Category(
        "GLS", 9, 2.4, (),
        ("Tumbler", "Wine Glass", "Highball Glass", "Carafe", "Mug", "Dessert Glass"),
        ("Crystal", "Soda-lime", "Recycled Glass", "Double-walled"),
        ("200 ml", "300 ml", "400 ml", "500 ml"),
    ),
    Category(
        "CLN", 8, 1.7, (),
        ("Microfibre Cloth", "Sponge", "Scouring Pad", "Dish Brush", "Dish Cloth"),
        ("Everyday", "Eco", "Recycled", "Heavy-duty"),
        ("pack of 2", "pack of 3", "pack of 5", "pack of 10"),
    ),
    Category(
        "BIN", 5, 9.0, (),
        ("Laundry Basket", "Hamper", "Storage Crate", "Waste Bin", "Recycling Bin"),
        ("Polypropylene", "Willow", "Felt", "Bamboo", "Powder-coated"),
        ("12 L", "25 L", "40 L", "60 L"),
    ),
    Category(
        "TXT", 6, 4.0, (),
        ("Tea Towel", "Apron", "Oven Glove", "Napkin", "Table Runner", "Placemat"),
        ("Cotton", "Linen", "Waffle", "Organic Cotton"),
        ("single", "set of 2", "set of 4"),
    ),
    Category(
        "GDN", 6, 12.0, (5, 6, 7),
        ("Planter", "Watering Can", "Cool Box", "Compost Bin", "Ice Bucket"),
        ("Galvanised", "Polypropylene", "Zinc", "Enamelled"),
        ("5 L", "10 L", "18 L", "24 L"),
    ),
    Category(
        "HOL", 5, 4.8, (11, 12),
        ("Pillar Candle", "Lantern", "Garland", "Wreath", "Candle Holder", "Bauble Set"),
        ("Frosted", "Gold-trimmed", "Rustic", "Snowy"),
        ("10 cm", "15 cm", "20 cm", "30 cm"),
    ),
)  # fmt: skip

BRANDS = (
    "Alderfinch", "Brightmere", "Casa Lumo", "Dunelark", "Emberly", "Fjellvik", "Harrowmead", "Kitchenry",
    "Larkspoon", "Maison Virelle", "Norrhem", "Oakmantle", "Plain & Proper", "Solvanta", "Tavolina", "Wrenfield",
)  # fmt: skip
COLOURS = ("Black", "White", "Cream", "Slate Grey", "Sage", "Navy", "Natural", "Red")

COUNTRIES = (
    Country("China", 30, "USD", 55, 85, "Co., Ltd.", ("Ningbo", "Yongkang", "Xiamen", "Foshan")),
    Country("Vietnam", 8, "USD", 50, 75, "JSC", ("Hai Phong", "Binh Duong", "Da Nang")),
    Country("India", 10, "USD", 55, 80, "Pvt. Ltd.", ("Moradabad", "Jaipur", "Chennai")),
    Country("Turkey", 6, "EUR", 35, 55, "A.S.", ("Bursa", "Izmir", "Denizli")),
    Country("Germany", 8, "EUR", 28, 45, "GmbH", ("Solingen", "Bremen", "Kassel")),
    Country("Portugal", 6, "EUR", 30, 48, "Lda.", ("Aveiro", "Guimaraes", "Leiria")),
    Country("United Kingdom", 4, "GBP", 28, 45, "Ltd.", ("Stoke", "Sheffield", "Leeds")),
    Country("United States", 14, "USD", 7, 21, "Inc.", ("Dayton", "Erie", "Tacoma", "Lancaster")),
    Country("Canada", 9, "CAD", 5, 15, "Ltd.", ("Surrey", "Guelph", "Laval")),
    Country("Mexico", 5, "USD", 14, 30, "S.A. de C.V.", ("Puebla", "Monterrey", "Tlaquepaque")),
)
SUPPLIER_NAMES = (
    "Evergreen", "Golden Bridge", "Harbour", "Hearthstone", "Lotus", "Meridian", "Northern", "Old Mill",
    "Riverside", "Silver Birch", "Three Rivers", "Union",
)  # fmt: skip
TRADES = (
    "Ceramics", "Cutlery", "Glassworks", "Homeware", "Housewares", "Industries", "Kitchenware", "Metalware",
    "Plastics", "Textiles",
)  # fmt: skip

CITIES = (
    "burnaby", "kentucky", "rotterdam", "toronto", "dallas", "leipzig", "montreal", "reno", "lyon", "atlanta",
    "calgary", "gdansk", "columbus", "valencia", "halifax", "phoenix", "antwerp", "memphis", "winnipeg", "bologna",
)  # fmt: skip
