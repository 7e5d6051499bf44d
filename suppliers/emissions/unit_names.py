"""How buyers write units, and which of Pint's units count."""

_COUNTS = {
    1: "1 c62 count each ea h87 item items nr no nos number pc pce pcs piece pieces stk u un unit units",
    2: "pair pairs pr",
    12: "doz dozen dozens dz dzn",
    100: "hundred",
    144: "gross",
    1000: "thousand",
}
# What buyers write and Pint reads differently, in another case, or not at all.
_SPELLINGS = {
    "kilogram": "kg kgs kgm kilo kilos",
    "gram": "gr grs gm gms grm",
    "metric_ton": "mt t te tne",
    "kilometric_ton": "kt",
    "short_ton": "stn us_ton us_tons",
    "long_ton": "ltn",
    "pound": "lbr",
    "ounce": "onz",
    "liter": "lt ltr ltrs",
    "milliliter": "mlt",
    "gallon": "gals gll us_gallon us_gallons",
    "imperial_gallon": "uk_gallon uk_gallons",
    "oil_barrel": "bbl bbls",
    "kilowatt_hour": "kwh",
    "megawatt_hour": "mwh",
    "gigawatt_hour": "gwh",
    "megajoule": "mj",
    "gigajoule": "gj",
    "british_thermal_unit": "btu btus",
    "megabritish_thermal_unit": "mmbtu",
    "meter": "mtr mtrs lm",
    "square_meter": "sqm mtk",
    "square_foot": "sqft",
    "cubic_meter": "cbm mtq",
    "cubic_foot": "cft cuft",
}
# A ton is 907, 1,000 or 1,016 kg, a barrel 119 or 159 l, ST a short ton, a stone or a Stück: one must say which.
AMBIGUOUS = {"barrel", "barrels", "kiloton", "kilotons", "st", "ton", "tons"}
# Pint knows a thousand units more; its parsecs (pc), barns (b) and rods are not what a buyer means.
_PINT_UNITS = {
    "mass": "gram metric_ton ton long_ton pound ounce troy_ounce hundredweight long_hundredweight",
    "volume": "liter gallon quart pint fluid_ounce imperial_gallon imperial_pint imperial_fluid_ounce oil_barrel "
    "cubic_centimeter cubic_foot cubic_inch cubic_yard board_foot",
    "energy": "joule watt_hour calorie british_thermal_unit therm tonne_of_oil_equivalent",
    "length": "meter inch foot yard mile nautical_mile",
    "area": "hectare acre are square_foot square_inch square_yard square_mile",
}
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "2": 2, "3": 3, "²": 2, "³": 3}

COUNTS = {word: number for number, words in _COUNTS.items() for word in words.split()}
SPELLINGS = {word: name for name, words in _SPELLINGS.items() for word in words.split()}
DIMENSIONS = {name: dimension for dimension, names in _PINT_UNITS.items() for name in names.split()}
