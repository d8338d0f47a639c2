"""Names of demo people, the most common first, and the places where they live.

A name in another script is followed by its Latin form: "Иван:ivan". A place consists of country,
language tag, time zone and calling code.
"""

from typing import NamedTuple


class Culture(NamedTuple):
    weight: int
    places: str
    first_names: str
    last_names: str


CULTURES = [
    Culture(
        30,
        "US en-US America/New_York 1|US en-US America/Chicago 1|US en-US "
        "America/Los_Angeles 1|GB en-GB Europe/London 44"
        "|CA en-CA America/Toronto 1|AU en-AU Australia/Sydney 61|IE en-IE Europe/Dublin "
        "353|NZ en-NZ Pacific/Auckland 64",
        "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David "
        "Barbara Emily Thomas Sarah Daniel "
        "Olivia Matthew Jessica Christopher Emma Joshua Ashley Andrew Amanda Joseph "
        "Grace Ryan Hannah Samuel Chloe Benjamin "
        "Megan Jack Lucy Oliver Sophie Harry Charlotte Liam Aoife Seán Niamh George "
        "Amelia Noah Ava Ethan Mia",
        "Smith Johnson Williams Brown Jones Davis Miller Wilson Taylor Anderson Thomas "
        "Moore Martin Jackson Thompson White "
        "Harris Clark Lewis Robinson Walker Young King Wright Scott Green Baker Adams "
        "Nelson Hill Campbell Mitchell Roberts "
        "Carter Phillips Evans Turner Parker Collins Edwards Stewart Morris Murphy "
        "O’Brien Kelly McCarthy Ó_Súilleabháin "
        "MacDonald Cooper Hughes Bennett Ward Fletcher Ashworth",
    ),
    Culture(
        18,
        "ES es-ES Europe/Madrid 34|MX es-MX America/Mexico_City 52|AR es-AR "
        "America/Argentina/Buenos_Aires 54"
        "|CO es-CO America/Bogota 57|CL es-CL America/Santiago 56|PE es-PE America/Lima 51",
        "María José Antonio Carmen Juan Ana Manuel Lucía Francisco Laura Luis Marta "
        "Javier Isabel Carlos Sofía Miguel Paula "
        "Alejandro Elena Diego Valentina Pablo Camila Andrés Martina Jesús Rocío Ángel "
        "Inés Sergio Ximena Raúl Guadalupe Íñigo",
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín "
        "Jiménez Ruiz Hernández Díaz Moreno "
        "Álvarez Muñoz Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos "
        "Gil Ramírez Serrano Blanco Molina "
        "Castro Ortega Delgado Rubio Ibáñez Núñez Peña de_la_Cruz Cortés",
    ),
    Culture(
        9,
        (
            "BR pt-BR America/Sao_Paulo 55|BR pt-BR America/Fortaleza 55|PT pt-PT "
            "Europe/Lisbon 351|AO pt-AO Africa/Luanda 244"
        ),
        "Maria João Ana José Francisco Beatriz Pedro Mariana Lucas Júlia Tiago Inês "
        "Gabriel Letícia Rafael Larissa Gonçalo "
        "Fernanda Matheus Camila Rui Conceição Luís Antônia Caio Luzia",
        "Silva Santos Oliveira Souza Pereira Ferreira Costa Rodrigues Almeida Carvalho "
        "Gomes Ribeiro Martins Araújo Lopes "
        "Fernandes Barbosa Gonçalves Teixeira Correia Nascimento dos_Santos Magalhães "
        "Simões Brandão Assunção",
    ),
    Culture(
        9,
        (
            "FR fr-FR Europe/Paris 33|BE fr-BE Europe/Brussels 32|CA fr-CA America/Montreal "
            "1|SN fr-SN Africa/Dakar 221"
        ),
        "Marie Jean Camille Pierre Léa Louis Chloé Nicolas Manon Julien Inès François "
        "Élodie Hugo Zoé Théo Amélie Mathis "
        "Anaïs Jérôme Hélène Benoît Océane Martin Noël Éric Maëlle Thibault",
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon "
        "Laurent Lefèvre Michel Garcia Bertrand "
        "Roux Fournier Girard Bonnet Dupont Lambert Rousseau Muller Faure Mercier "
        "Gauthier Lemaître Barthélemy Diallo N’Diaye",
    ),
    Culture(
        10,
        (
            "DE de-DE Europe/Berlin 49|DE de-DE Europe/Berlin 49|AT de-AT Europe/Vienna "
            "43|CH de-CH Europe/Zurich 41"
        ),
        "Anna Lukas Laura Paul Lena Jonas Julia Felix Sarah Maximilian Lisa Leon "
        "Katharina Finn Sophie Elias Marie Jürgen "
        "Ursula Stefan Sabine Jörg Käthe Björn Hannelore Götz Anneliese Matthias "
        "Anna-Lena Karl-Heinz",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann "
        "Schäfer Koch Bauer Richter Klein Wolf "
        "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Köhler "
        "Jäger Groß Weiß Böhm Vögele "
        "Straßmann von_der_Heide",
    ),
    Culture(
        7,
        "IT it-IT Europe/Rome 39|IT it-IT Europe/Rome 39|CH it-CH Europe/Zurich 41",
        "Giuseppe Maria Francesco Giulia Antonio Chiara Alessandro Francesca Andrea Sara "
        "Lorenzo Martina Matteo Elena Davide "
        "Giorgia Niccolò Alice Riccardo Aurora Tommaso Lucia Salvatore Noemi",
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno "
        "Gallo Conti De_Luca Costa Giordano "
        "Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro D’Angelo Caruso Nicolò",
    ),
    Culture(
        5,
        "NL nl-NL Europe/Amsterdam 31|NL nl-NL Europe/Amsterdam 31|BE nl-BE Europe/Brussels 32",
        (
            "Daan Emma Sem Julia Lucas Sophie Bram Tess Jan Anouk Pieter Sanne Thijs Fleur "
            "Zoë Joost Maaike Ruben Noëlle Willem"
        ),
        "de_Jong Jansen de_Vries van_den_Berg van_Dijk Bakker Janssen Visser Smit Meijer "
        "de_Boer Mulder de_Groot Bos Vos "
        "Peters Hendriks van_Leeuwen Dekker Brouwer van_der_Meer IJzerman Reuß",
    ),
    Culture(
        6,
        "SE sv-SE Europe/Stockholm 46|NO nb-NO Europe/Oslo 47|DK da-DK Europe/Copenhagen "
        "45|FI fi-FI Europe/Helsinki 358"
        "|IS is-IS Atlantic/Reykjavik 354",
        "Anna Lars Ingrid Erik Astrid Søren Maja Mikkel Åsa Øyvind Linnéa Björn Sofie "
        "Jørgen Märta Håkon Aino Juhani Solveig "
        "Nils Freja Mattias Päivi Guðrún Þórunn Åke",
        "Hansen Johansson Andersson Nielsen Karlsson Jensen Nilsson Larsen Eriksson "
        "Pedersen Olsen Persson Sørensen "
        "Rasmussen Jørgensen Lindström Bergström Korhonen Virtanen Mäkinen Nieminen "
        "Hämäläinen Bødker Ødegård Åkesson "
        "Sjöberg Jónsdóttir Guðmundsson",
    ),
    Culture(
        7,
        "PL pl-PL Europe/Warsaw 48|PL pl-PL Europe/Warsaw 48|CZ cs-CZ Europe/Prague "
        "420|RO ro-RO Europe/Bucharest 40"
        "|HU hu-HU Europe/Budapest 36",
        "Anna Jan Katarzyna Piotr Małgorzata Krzysztof Agnieszka Tomáš Tereza Paweł "
        "Zuzana Łukasz Jiří Kateřina Ștefan Ioana "
        "Mihai Zsófia László Gábor Eszter Wojciech Michał Ondřej Żaneta Grzegorz",
        "Nowak Kowalska Wiśniewski Wójcik Kowalczyk Kamińska Lewandowski Zieliński Novák "
        "Svoboda Dvořák Černý Procházka "
        "Popescu Ionescu Munteanu Țurcanu Nagy Kovács Tóth Szabó Horváth Kiss Mazur "
        "Dąbrowska Jabłoński Żukowski Łuczak "
        "Střelec Hřebíček",
    ),
    Culture(
        4,
        "TR tr-TR Europe/Istanbul 90|TR tr-TR Europe/Istanbul 90|DE tr-DE Europe/Berlin 49",
        (
            "Mehmet Fatma Mustafa Ayşe Ahmet Emine Ali Zeynep Hüseyin Elif İbrahim Özlem "
            "Çağlar Şule Gökhan Büşra Işıl Ömer Ümit"
        ),
        (
            "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan "
            "Kılıç Çetin Koç Kurt Güneş Işık"
        ),
    ),
    Culture(
        5,
        "VN vi-VN Asia/Ho_Chi_Minh 84|VN vi-VN Asia/Ho_Chi_Minh 84|US en-US America/Los_Angeles 1",
        (
            "Anh Linh Minh Hương Dũng Trang Tuấn Thảo Hùng Mai Đức Lan Quân Ngọc Phúc Hằng "
            "Khánh Vy Bảo Thủy Việt Yến"
        ),
        (
            "Nguyễn Trần Lê Phạm Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Trương Đinh "
            "Nguyen Tran Pham"
        ),
    ),
    Culture(
        10,
        (
            "IN en-IN Asia/Kolkata 91|IN hi-IN Asia/Kolkata 91|IN ta-IN Asia/Kolkata 91|SG "
            "en-SG Asia/Singapore 65"
        ),
        "Aarav Priya Rahul Ananya Arjun Divya Vijay Kavya Rohan Neha Sanjay Lakshmi Amit "
        "Pooja Suresh Meera Karthik Shreya "
        "Ravi Deepa Imran Fatima Harpreet Gurpreet अमित:amit प्रिया:priya",
        "Kumar Singh Sharma Patel Gupta Khan Reddy Nair Iyer Das Rao Verma Joshi Mehta "
        "Chatterjee Mukherjee Pillai Kaur Desai "
        "Kapoor Malhotra Banerjee Srinivasan शर्मा:sharma वर्मा:verma",
    ),
    Culture(
        6,
        "EG ar-EG Africa/Cairo 20|MA ar-MA Africa/Casablanca 212|AE ar-AE Asia/Dubai "
        "971|NG en-NG Africa/Lagos 234"
        "|KE en-KE Africa/Nairobi 254",
        "Mohamed Fatima Ahmed Aisha Omar Mariam Youssef Khadija Hassan Amina Ibrahim "
        "Zainab Chinedu Ngozi Emeka Adaeze "
        "Wanjiru Kamau Amara Oluwaseun محمد:mohamed فاطمة:fatima أحمد:ahmed مريم:mariam",
        "Hassan Ali Mohamed Ibrahim Abdullah Mahmoud Okafor Adeyemi Okonkwo Balogun "
        "Mwangi Otieno Njoroge El-Sayed Benali "
        "Haddad Mansour Khalil Eze حسن:hassan علي:ali إبراهيم:ibrahim",
    ),
    Culture(
        5,
        "RU ru-RU Europe/Moscow 7|UA uk-UA Europe/Kyiv 380|BG bg-BG Europe/Sofia 359|RS "
        "sr-RS Europe/Belgrade 381"
        "|KZ ru-KZ Asia/Almaty 7",
        "Александр:aleksandr Анна:anna Дмитрий:dmitry Елена:elena Сергей:sergey "
        "Ольга:olga Андрей:andrey Наталья:natalya "
        "Иван:ivan Мария:maria Олексій:oleksii Оксана:oksana Георги:georgi Јелена:jelena "
        "Пётр:petr Йорданка:yordanka",
        "Иванов:ivanov Смирнова:smirnova Кузнецов:kuznetsov Попова:popova "
        "Шевченко:shevchenko Коваленко:kovalenko "
        "Бондаренко:bondarenko Петров:petrov Соколова:sokolova Лебедев:lebedev "
        "Мельник:melnyk Димитрова:dimitrova "
        "Јовановић:jovanovic Щербак:shcherbak Королёв:korolev",
    ),
    Culture(
        3,
        "GR el-GR Europe/Athens 30|CY el-CY Asia/Nicosia 357",
        "Γιώργος:giorgos Μαρία:maria Δημήτρης:dimitris Ελένη:eleni Κώστας:kostas "
        "Κατερίνα:katerina Νίκος:nikos "
        "Βασιλική:vasiliki Ιωάννης:ioannis Σοφία:sofia Χρήστος:christos Αγγελική:angeliki",
        "Παπαδόπουλος:papadopoulos Παπαδοπούλου:papadopoulou Γεωργίου:georgiou "
        "Δημητρίου:dimitriou Νικολάου:nikolaou "
        "Οικονόμου:oikonomou Βασιλείου:vasileiou Αντωνίου:antoniou Χατζής:chatzis Μακρής:makris",
    ),
    Culture(
        8,
        "CN zh-Hans-CN Asia/Shanghai 86|TW zh-Hant-TW Asia/Taipei 886|HK zh-Hant-HK "
        "Asia/Hong_Kong 852"
        "|SG en-SG Asia/Singapore 65",
        "伟:wei 芳:fang 娜:na 秀英:xiuying 敏:min 静:jing 丽:li 强:qiang 磊:lei 洋:yang 艳:yan "
        "勇:yong 杰:jie 涛:tao 明:ming "
        "雅婷:yating 俊傑:junjie 子涵:zihan Wei Mei Jun Xin",
        "王:wang 李:li 张:zhang 刘:liu 陈:chen 杨:yang 黄:huang 赵:zhao 吴:wu 周:zhou 徐:xu 孙:sun "
        "马:ma 朱:zhu 林:lin "
        "何:he 高:gao 歐陽:ouyang Wang Chen Lin Tan Wong",
    ),
    Culture(
        5,
        "JP ja-JP Asia/Tokyo 81|JP ja-JP Asia/Tokyo 81|KR ko-KR Asia/Seoul 82",
        "太郎:taro 花子:hanako 翔太:shota 美咲:misaki 健一:kenichi さくら:sakura 大輔:daisuke "
        "陽菜:hina 민준:minjun 서연:seoyeon 지훈:jihun 하은:haeun Kenji Yuki Haruto Aoi Jisoo",
        "佐藤:sato 鈴木:suzuki 高橋:takahashi 田中:tanaka 渡辺:watanabe 伊藤:ito 山本:yamamoto "
        "中村:nakamura 小林:kobayashi "
        "김:kim 이:lee 박:park 최:choi Kim Lee Park Tanaka Yamamoto",
    ),
]

# Domains under .example can never be someone's (RFC 2606): a demo with a real EMAIL_URL writes to
# nobody.
COMPANY_FIRST = (
    "north blue silver bright green summit harbour cedar iron golden river stone clear "
    "swift alpine coastal urban prime "
    "delta lunar solar quantum vertex nova orbit pixel cobalt amber maple granite falcon "
    "heron lotus saffron tundra"
)
COMPANY_SECOND = (
    "works logistics health media energy bank foods labs systems travel capital robotics "
    "textiles legal design mobility "
    "studios retail insurance software marine motors pharma telecom academy builders "
    "consulting farms security optics"
)
FREE_MAIL = [
    "mail.example",
    "post.example",
    "inbox.example",
    "webmail.example",
    "letterbox.example",
    "example.net",
]
