"""How streets are named in theLook's countries, in Latin script: forms, and what they are named after."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Streets:
    """Forms of street names that go with certain words."""

    forms: tuple[str, ...]
    """Street names with ``{}`` for a word, common ones first."""
    words: str = ""
    """What streets are named after, divided by commas, common ones first."""
    families: int = 0
    """How many of the country's commonest family names follow the words."""


_ENGLISH = ("{} Street", "{} Avenue", "{} Road", "{} Drive", "{} Lane", "{} Court", "{} Way", "{} Place")

STREETS: dict[str, tuple[Streets, ...]] = {
    "United States": (
        Streets(
            _ENGLISH,
            "Main, Oak, Maple, Cedar, Pine, Elm, Washington, Park, Lake, Hill, Walnut, Spring, North, Ridge, Church, "
            "Willow, Mill, Sunset, Railroad, Jackson, West, Cherry, South, River, Highland, Jefferson, Madison, "
            "Center, Lincoln, Meadow, Forest, Franklin, Dogwood, Hickory, Laurel, Chestnut, Broad, Union, Valley, "
            "College, Prospect, Liberty, Grove, Magnolia, Sycamore, Poplar, Locust",
            families=60,
        ),
        Streets(
            ("{} Street", "{} Avenue"),
            "2nd, 3rd, 1st, 4th, 5th, 6th, 7th, 8th, 9th, 10th, 11th, 12th, 13th, 14th, 15th, 16th, 17th, 18th, 19th,"
            "20th",
        ),
    ),
    "China": (
        Streets(
            ("{} Road", "{} Street", "{} East Road", "{} West Road", "{} South Road", "{} North Road", "{} Avenue"),
            "Renmin, Zhongshan, Jiefang, Jianshe, Xinhua, Beijing, Nanjing, Heping, Youyi, Wenhua, Guangming, "
            "Xinxing, Minzhu, Gongyuan, Huaihai, Chang'an, Dongfeng, Hongqi, Qingnian, Xueyuan, Changjiang, Huanghe, "
            "Taishan, Binhe, Hubin, Yingbin, Huanghai, Jinshan, Zhujiang, Fuxing, Shengli, Tiyu, Xihu, Nanhu, Donghu, "
            "Beihai, Ninghai, Jiangbei, Longjiang, Tianshan, Kunlun, Qianjin, Chaoyang, Wuyi, Sanyuan, Baiyun, "
            "Furong, Jinxiu, Xiangyang, Fengming, Kaifa, Keji, Gongye, Xingfu, Anning, Longhua, Nanshan, Beishan",
        ),
    ),
    "Brasil": (
        Streets(
            ("Rua {}", "Avenida {}", "Praça {}", "Travessa {}"),
            "São José, Santo Antônio, Sete de Setembro, Quinze de Novembro, Tiradentes, Dom Pedro II, Getúlio Vargas, "
            "Santos Dumont, Rui Barbosa, Duque de Caxias, Treze de Maio, São Paulo, Rio de Janeiro, Bahia, Brasil, "
            "São João, São Pedro, Castro Alves, Marechal Deodoro, Barão do Rio Branco, Amazonas, Paraná, Minas "
            "Gerais, Presidente Vargas, da Paz, da Liberdade, das Flores, Bela Vista, Boa Vista, Primeiro de Maio, "
            "Santa Rita, Santa Luzia, Tamandaré, Belo Horizonte, Machado de Assis, José de Alencar, Dom Bosco, "
            "Princesa Isabel",
        ),
        Streets(("Rua {}", "Travessa {}", "Alameda {}"), families=100),
    ),
    "South Korea": (
        Streets(
            (
                "{}-ro",
                "{}-daero",
                "{}-gil",
                "{}-ro 1-gil",
                "{}-ro 2-gil",
                "{}-ro 7-gil",
                "{}-ro 12-gil",
                "{}-ro 25-gil",
            ),
            "Sejong, Jungang, Teheran, Chungmu, Toegye, Dosan, Yeoksam, Seolleung, Hakdong, Nonhyeon, Apgujeong, "
            "Bongeunsa, Eonju, Gangnam, Samseong, Yeongdong, Gaepo, Banpo, Seocho, Jamsil, Garak, Ogeum, Baekje, "
            "Ollimpik, Wangsimni, Mapo, Yanghwa, Hangang, Dongil, Sinchon, Daehak, Gukhoe, Munhwa, Gongwon, Namsan, "
            "Bukhansan, Geumgang, Hwarang, Taeheung, Yulgok, Wonhyo, Haeundae, Suyeong, Gwangbok, Dongcheon, Seobu",
        ),
    ),
    "France": (
        Streets(
            ("rue {}", "avenue {}", "place {}", "boulevard {}"),
            "de la République, de l'Église, Victor Hugo, de la Gare, Pasteur, Jean Jaurès, du Général de Gaulle, des "
            "Écoles, du Moulin, de la Mairie, Jules Ferry, Gambetta, de la Fontaine, Émile Zola, Jean Moulin, de la "
            "Liberté, du Château, de Verdun, de la Paix, Voltaire, Carnot, Nationale, des Lilas, des Jardins, de la "
            "Forge, Molière, des Tilleuls, de Paris, Aristide Briand, Anatole France, des Rosiers, du Stade, "
            "Saint-Martin, Saint-Jean, du Lavoir, de l'Europe, du Maréchal Foch, Lamartine, des Acacias, Marie Curie",
        ),
        Streets(("rue {}", "avenue {}", "chemin {}"), families=90),
    ),
    "United Kingdom": (
        Streets(
            ("{} Road", "{} Street", "{} Lane", "{} Close", "{} Avenue", "{} Drive", "{} Gardens", "{} Crescent"),
            "High, Station, Church, London, Park, Victoria, Green, Manor, Kings, Queens, New, Mill, School, North, "
            "Main, Grange, Springfield, West, York, George, South, Alexandra, Windsor, Stanley, Chester, Albert, "
            "Broad, Richmond, Grove, Chapel, Orchard, Meadow, Castle, Bridge, Cambridge, Oxford, Highfield",
            families=40,
        ),
    ),
    "Germany": (
        Streets(
            ("{}straße", "{}weg", "{}platz", "{}allee", "{}ring"),
            "Haupt, Bahnhof, Schul, Garten, Dorf, Berg, Linden, Birken, Wald, Kirch, Ring, Wiesen, Feld, Amsel, "
            "Rosen, Mühl, Park, Markt, Goethe, Schiller, Mozart, Beethoven, Jahn, Eichen, Buchen, Sonnen, Tannen, "
            "Ahorn, Drossel, Finken, Burg, Post, Brunnen, Tal, Kiefern, Ulmen, Flieder, Tulpen, Nelken, Lessing, "
            "Uhland, Mörike, Hölderlin, Kant, Bach, Händel, Schumann, Brahms, Wagner, Dürer, Holbein, Stein, Stadt, "
            "Industrie",
            families=30,
        ),
    ),
    "Spain": (
        Streets(
            ("Calle {}", "Plaza {}", "Avenida {}", "Paseo {}"),
            "Mayor, Real, de la Constitución, Nueva, de la Iglesia, San José, San Juan, del Sol, de España, de "
            "Cervantes, San Antonio, de la Fuente, Santa María, San Pedro, del Carmen, San Miguel, de Andalucía, de "
            "Goya, de Velázquez, de Europa, de la Paz, de la Libertad, de Colón, de Madrid, de Barcelona, de "
            "Valencia, de Sevilla, del Pilar, de Lope de Vega, de Murillo, Miguel Hernández, Antonio Machado, de las "
            "Flores, de la Estación, del Río, de Castilla, de Aragón, Ramón y Cajal, del Norte, del Prado",
        ),
        Streets(("Calle {}", "Camino de {}", "Ronda de {}"), families=90),
    ),
    "Japan": (
        Streets(
            (
                *("{}cho 1-chome", "{}cho 2-chome", "{}cho 3-chome", "{}machi", "{}-dori", "{}machi 4-chome"),
                *("{}gaoka 1-chome", "{}gaoka 2-chome", "{}cho 5-chome", "{}dai"),
            ),
            "Hon, Sakae, Saiwai, Asahi, Midori, Chuo, Minato, Sakura, Wakaba, Showa, Taisho, Shin, Kita, Minami, "
            "Higashi, Nishi, Naka, Miyuki, Akebono, Hikari, Tokiwa, Izumi, Kotobuki, Takara, Suehiro, Ebisu, Matsu, "
            "Ume, Take, Hana, Kawara, Kaji, Daiku, Uo, Kome, Aoba, Heiwa, Tsukimi, Fujimi, Momiji, Yayoi, Sumiyoshi",
        ),
    ),
    "Australia": (
        Streets(
            ("{} Street", "{} Road", "{} Avenue", "{} Drive", "{} Parade", "{} Terrace", "{} Crescent", "{} Court"),
            "George, Elizabeth, William, King, Queen, Victoria, Church, High, Albert, Railway, Station, Park, "
            "Pacific, Collins, Bourke, Flinders, Wattle, Banksia, Acacia, Ocean, Beach, Bay, River, Hill, Macquarie, "
            "Phillip, Hunter, Kent, Pitt, Lonsdale, Jacaranda, Grevillea, Boronia, Murray, Darling, Lachlan, "
            "Kookaburra, Lorikeet",
            families=30,
        ),
    ),
    "Belgium": (
        Streets(
            ("Rue {}", "Avenue {}", "Place {}"),
            "de l'Église, de la Station, du Moulin, Haute, Neuve, des Écoles, Albert I, Léopold II, du Centre, de la "
            "Gare, de Bruxelles, de Namur, de Liège, du Château, Saint-Jean, Saint-Pierre, de la Chapelle, des "
            "Combattants, du Village, des Tilleuls, de la Fontaine, du Bois, de la Paix, de la Liberté, des Alliés, "
            "Royale, du Parc, Roi Baudouin, Reine Astrid, Reine Élisabeth, du Marché, de la Montagne, des Champs, du "
            "Pont, Louise",
        ),
        Streets(
            ("{}straat", "{}laan", "{}dreef", "{}weg", "{}plein"),
            "Kerk, Molen, School, Dorp, Nieuw, Stations, Kapel, Veld, Bos, Kasteel, Linden, Eiken, Beuken, Berken, "
            "Wilgen, Populieren, Hoog, Park, Gemeente, Konings, Koningin Astrid, Albert I-, Leopold II-, Vrijheids, "
            "Brugs, Gent, Antwerpse, Bruggen, Water, Berg, Zand, Heide, Rozen, Tulpen, Meidoorn, Kouter, Markt, Oud, "
            "Zuid, Noord",
        ),
    ),
    "Colombia": (
        Streets(
            ("Calle {}", "Carrera {}", "Avenida Calle {}", "Diagonal {}", "Transversal {}"),
            ", ".join(str(number) for number in range(1, 90)),
        ),
    ),
    "Austria": (
        Streets(
            ("{}gasse", "{}straße", "{}weg", "{}platz"),
            "Haupt, Bahnhof, Kirchen, Mozart, Schubert, Haydn, Garten, Feld, Berg, Wiesen, Linden, Birken, Rosen, "
            "Schul, Mühl, Park, Wald, Post, Dorf, Donau, Ring, Sonnen, Kaiser, Brunnen, Raiffeisen, Bruckner, Lanner, "
            "Strauß, Lenau, Grillparzer, Stifter, Nestroy, Raimund, Rosegger, Schiller, Goethe, Lerchen, Amsel, "
            "Fichten, Tannen",
            families=70,
        ),
    ),
}
"""Names of streets by country; Poland's come from Faker."""
