"""What Faker's lists of names leave open: which names are the commonest, and what other names are made of.

Most of the lists are alphabetical, and some are short. ``COMMONEST`` leads a list whose order says nothing; ``PARTS``
combine to names as their languages do (two syllables in Chinese and Korean, stems and endings in Japanese). Everything
is in Latin script, diacritics kept.
"""

from __future__ import annotations

COMMONEST: dict[str, dict[str, str]] = {
    "China": {
        "family": (
            "Wang Li Zhang Liu Chen Yang Zhao Huang Zhou Wu Xu Sun Hu Zhu Gao Lin He Guo Ma Luo Liang Song Zheng Xie "
            "Han Tang Feng Yu Dong Xiao Cheng Cao Yuan Deng Fu Shen Zeng Peng Su Lu Jiang Cai Jia Ding Wei Xue Ye "
            "Yan"
        ),
    },
    "Brasil": {
        "female": (
            "Maria Ana Juliana Fernanda Camila Amanda Bruna Larissa Mariana Gabriela Beatriz Letícia Vitória Laura "
            "Júlia Isabela Rafaela Helena Alice Luana"
        ),
        "male": (
            "José João Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Luís Gabriel Rafael Daniel Marcelo "
            "Bruno Eduardo Felipe Rodrigo Gustavo Matheus Guilherme Thiago Leonardo"
        ),
        "family": (
            "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Ribeiro Carvalho Costa Martins "
            "Almeida Lopes Soares Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques "
            "Machado"
        ),
    },
    "France": {
        "female": (
            "Marie Nathalie Isabelle Catherine Sylvie Julie Camille Céline Sophie Émilie Claire Manon Charlotte "
            "Pauline Chantal Monique Christine Valérie Sandrine Léa Mathilde Aurélie Lucie Stéphanie"
        ),
        "male": (
            "Jean Michel Pierre Nicolas Philippe Thomas Alain Julien Christophe Alexandre Patrick Daniel Laurent "
            "Frédéric Olivier Éric Stéphane Antoine Guillaume Hugo Lucas Louis"
        ),
    },
    "Germany": {
        "female": (
            "Anna Maria Julia Laura Lena Sarah Lisa Katharina Christina Sabine Susanne Petra Monika Andrea Claudia "
            "Stefanie Sandra Nicole Birgit Karin Ursula Renate Melanie Emma Mia Hannah Sophie"
        ),
        "male": (
            "Michael Thomas Andreas Stefan Christian Peter Daniel Alexander Martin Markus Sebastian Jan Tobias "
            "Florian Lukas Jonas Felix Wolfgang Klaus Jürgen Frank Matthias Paul Maximilian Leon"
        ),
        "family": (
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter "
            "Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner "
            "Krause Lehmann Köhler Maier Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Vogel Keller "
            "Günther"
        ),
    },
    "Spain": {
        "female": (
            "María Carmen Ana Laura Lucía Isabel Cristina Marta Paula Sara Elena Raquel Pilar Sofía Rosa Patricia "
            "Silvia Alba Andrea Irene Julia Beatriz Teresa Claudia Nuria"
        ),
        "male": (
            "Antonio Manuel José Francisco David Juan Javier Daniel Carlos Jesús Alejandro Miguel Pablo Rafael "
            "Sergio Ángel Fernando Luis Jorge Alberto Álvaro Adrián Diego Raúl Hugo"
        ),
        "family": (
            "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández Ruiz "
            "Díaz Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez Ramírez Gil "
            "Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina "
            "Garrido"
        ),
    },
    "Japan": {
        "female": (
            "Yui Sakura Yuko Aiko Yumi Akemi Naoko Keiko Kumiko Mayumi Tomoko Hanako Mai Miki Aoi Hina Rin Misaki"
        ),
        "male": "Hiroshi Takashi Kenji Haruto Yuto Sota Daiki Ren Naoki Takumi Kenta Makoto Akira Shota Ryota Tsubasa",
    },
    "Poland": {
        "female": (
            "Anna Katarzyna Maria Małgorzata Agnieszka Barbara Ewa Magdalena Elżbieta Krystyna Joanna Aleksandra "
            "Monika Zofia Natalia Teresa Julia Beata Karolina Dorota Zuzanna Jolanta Danuta Iwona Halina Martyna "
            "Hanna Paulina Patrycja Wiktoria Renata Grażyna Oliwia Jadwiga Justyna Kinga Weronika Izabela Emilia "
            "Maja Marta Sylwia Bożena Aneta Kamila Lena Alicja Helena Edyta Irena Dominika Amelia Ilona Gabriela "
            "Marzena Alina Laura Klaudia Wanda Mariola Milena Olga Nadia Daria Iga Lucyna Stanisława Aldona Bogumiła "
            "Bogna Bronisława Cecylia Celina Czesława Eleonora Eugenia Felicja Franciszka Genowefa Honorata Irmina "
            "Jagoda Jagna Janina Judyta Julita Kalina Kazimiera Klementyna Krystiana Leokadia Ludmiła Ludwika Łucja "
            "Magda Marlena Matylda Michalina Mirela Mirosława Nina Otylia Pola Regina Rita Roma Rozalia Róża Sabina "
            "Salomea Sławomira Stefania Tamara Tatiana Urszula Wiesława Wioletta Władysława Zdzisława Zenobia Zyta "
            "Żaneta Żanna Antonina Asia Blanka Bogusława Dagna Diana Elwira Ewelina Faustyna Gaja Gertruda Hania "
            "Hortensja Ines Izolda Jaśmina Jowita Kaja Kamelia Karina Klara Kleopatra Kornelia Lara Lea Lidia Lilia "
            "Liliana Luiza Lukrecja Mariam Marianna Marzanna Maryla Melisa Mira Modesta Nela Nikola Noemi Oktawia "
            "Olimpia Pelagia Petronela Radosława Rebeka Romana Rozanna Rut Sandra Sara Selena Stella Tekla Teodora "
            "Wacława Waleria Walentyna Wera Wiera Wirginia Zuzia "
            "Adela Adrianna Agata Albina Alfreda Amanda Anastazja Andżelika Arleta Benedykta Berenika Bernadeta "
            "Brygida Dalia Delfina Donata Emma Ernestyna Estera Eulalia Florentyna Fryderyka Greta Henryka Idalia "
            "Ingrid Józefa Józefina Kasandra Klaudyna Konstancja Leonia Leontyna Malina Margareta Maryna Mieczysława "
            "Nadzieja Natasza Ofelia Paula Rachela Rafaela Szarlota Wanessa Wilhelmina"
        ),
        "male": (
            "Piotr Krzysztof Andrzej Tomasz Jan Paweł Michał Marcin Stanisław Jakub Adam Marek Łukasz Grzegorz "
            "Mateusz Wojciech Mariusz Dariusz Zbigniew Jerzy Maciej Rafał Robert Kamil Jacek Dawid Szymon Ryszard "
            "Kacper Bartosz Janusz Sławomir Mirosław Henryk Sebastian Patryk Jarosław Kazimierz Filip Antoni "
            "Zdzisław Leszek Roman Wiesław Bogdan Bartłomiej Edward Mieczysław Marian Czesław Bogusław Zygmunt Lech "
            "Wacław Bolesław Bronisław Waldemar Ireneusz Remigiusz Zenon Lucjan Ludwik Feliks Eugeniusz Edmund "
            "Stefan Teodor Tadeusz Tytus Walenty Wincenty Władysław Alfred Alojzy Amadeusz Anatol Apoloniusz Aron "
            "Aurelian Benedykt Benon Bernard Bogumił Bonifacy Boguchwał Celestyn Cyryl Damazy Dobromir Dominik Donat "
            "Ewaryst Ferdynand Fabian Florian Fidelis Gerard Gerwazy Gracjan Gwidon Herman Hieronim Hipolit Hilary "
            "Ignacy Iwan Izydor Jaromir Jeremiasz Jonasz Joachim Jozue Kalikst Karol Kasjan Kasper Klaudiusz Klemens "
            "Kosma Krystyn Kryspin Ksenofont Lambert Laurenty Lesław Longin Lubomir Łazarz Makary Malachiasz Manfred "
            "Marceli Maksym Melchior Michaił Milan Modest Napoleon Nestor Nikodem Oktawian Onufry Oswald Otton "
            "Pankracy Patrycjusz Paskal Placyd Polikarp Prokop Radomir Rajmund Rajnold Roch Rudolf Rufin Rupert "
            "Saturnin Serafin Sergiusz Seweryn Sykstus Sylwester Symeon Symforian Świętopełk Tobiasz Tomisław "
            "Tristan Ulryk Urban Waleriusz Walery Wawrzyniec Wespazjan Wiktoryn Wilhelm Wit Witalis Włodzimierz "
            "Zachariasz Zbyszko Zefiryn Ziemowit Zoltan Zygfryd "
            "Albin Ambroży Anastazy Augustyn Bazyli Egon Eliasz Emilian Gaweł Gedeon Idzi"
        ),
        "family": (
            "Nowak Wójcik Woźniak Mazur Krawczyk Kaczmarek Zając Król Wieczorek Wróbel Stępień Dudek Adamczyk Pawlak "
            "Sikora Baran Szewczyk Pietrzak Marciniak Bąk Włodarczyk Kubiak Wilk Lis Kaźmierczak Sobczak Górecki "
            "Cieślak Kołodziej Szymczak Mróz Błaszczyk Chmiel Urban Tomczyk Kozak Banaś Kania Mikołajczyk Kurek "
            "Kopeć Wrona Duda"
        ),
    },
    "Austria": {
        "female": (
            "Maria Anna Julia Katharina Lisa Sarah Laura Lena Christina Elisabeth Barbara Sabine Claudia Andrea Eva "
            "Verena Martina Petra Stefanie Theresa Johanna Magdalena Sophie Hannah"
        ),
        "male": (
            "Thomas Michael Andreas Markus Stefan Christian Martin Daniel Peter Alexander Florian Lukas Josef "
            "Johannes Franz Johann Wolfgang Manfred Gerhard Matthias David Dominik Maximilian Jakob Felix"
        ),
        "family": (
            "Gruber Huber Bauer Wagner Müller Pichler Steiner Moser Mayer Hofer Leitner Berger Fuchs Eder Fischer "
            "Schmid Winkler Weber Schwarz Maier Schneider Reiter Mayr Schmidt Wimmer Egger Brunner Lang Baumgartner "
            "Auer Binder Lechner Wolf Wallner Aigner Ebner Koller Lehner Haas Schuster"
        ),
    },
}
"""The most common names of a country, commonest first, where Faker's order and weights do not tell."""

PARTS: dict[str, dict[str, tuple[str, str]]] = {
    "China": {
        "female": (
            "Xiao Yu Mei Jing Li Xin Hui Ya Yan Ling Jia Shu Wen Xue Si Zi Qian Yi",
            "ling fang yan hua ting jing na lan hong yun qin juan ping xia yue min qing rong",
        ),
        "male": (
            "Jian Zhi Wei Jun Guo Hai Ming Yong Zhen Hao Xiao Zi Yu Tian Shao Li Wen Jia",
            "hua jun ming feng qiang wei bin long gang hui peng lei tao yong bo hao liang cheng",
        ),
    },
    "South Korea": {
        "female": (
            "Ji Seo Min Su Ye Hye Eun Yu Ha Da So Yeon Na Jeong Mi Ga Bo Chae A",
            "yeon hyeon eun yeong jin won ah hui min gyeong seo rin bin yun na ju i mi",
        ),
        "male": (
            "Min Ji Seong Jun Hyeon Dong Sang Jae Tae Yeong Seung U Jin Do Geon Gyeong",
            "jun ho su hun min u hyeok jin hyeon seok uk won yeong cheol gyu gi sik",
        ),
    },
    "Japan": {
        "female": (
            (
                "Aki Haru Natsu Yuki Tomo Michi Kazu Mari Nao Sato Nori Masa Yoshi Asa Emi Chi Miyo Fumi Sachi Kana "
                "Ai Mina Ritsu Shizu Hide Yasu"
            ),
            "ko mi ka na e yo no ho ri sa ne",
        ),
        "male": (
            (
                "Haru Aki Yuki Tomo Masa Nori Yoshi Hide Taka Kazu Hiro Nobu Yasu Katsu Mitsu Tada Naga Shige Tsune "
                "Toshi"
            ),
            "to ki hiko ya hiro nori aki yuki suke taro shi o hito fumi nari",
        ),
        "family": (
            (
                "Yama Ta Ko Matsu Kawa Mori Ishi Naka Fuji Ue Kita Nishi Higashi Mina O Taka Shima Saka Ino Hiro "
                "Naga Mizu Aka Kuro Shira Ao Hase Iwa Oka Sugi Take Haya Yoshi Miya Kane Hata Hori Kuri Ume Waka"
            ),
            "moto da mura guchi saki yama shima hara mori zawa naka uchi hashi oka shita kawa ta no gawa bayashi",
        ),
    },
}
"""First and second parts of a country's given or family names; every pair is a name."""
