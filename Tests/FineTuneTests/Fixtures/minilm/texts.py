"""The texts of this fixture: written for it, in many languages, of 1 to 300 words.

`compose` returns 240 of them, always the same: the fragments, the sentences as they stand, then
passages that a seeded generator builds from the sentences until they have a wanted word count.
"""

import random

COUNT = 240

FRAGMENTS = [
    "Yes", "no?", "...", "42", "Rain!", "a", "Q", "naïve", "ÉCOLE", "Zürich", "smörgåsbord",
    "thank you", "why not", "HELLO WORLD", "3.14159", "-17 °C", "100%", "§ 12 (3)", "½ cup", "№ 7",
    "e-mail", "rock'n'roll", "C++ & C#", "x² + y² = z²", "f(x) := x ↦ 2x", "🙂", "🚲 🌧️ 🏠",
    "👩‍🚀 to the moon", "l'été", "don't", "state-of-the-art", "(unbalanced", "«quoted»", "“curly” ‘marks’",
    "tab\there", "two\nlines", "   wide   spaces   ", "under_score", "#hashtag @name",
    "reader@example.org", "https://example.org/a/b?c=d&e=f", "192.0.2.1:8080", "0x7FFF", "1e-12",
    "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft", "zzzzqqqqxxxx", "你好",
    "東京", "서울", "مرحبا", "שלום", "नमस्ते", "สวัสดี", "Привет", "γειά", "გამარჯობა", "cafe\u0301",
    "soft\u00adhyphen", "zero\u200bwidth", "ﬁne ligature", "Ⅷ", "ＷＩＤＥ", "ǅ", "[MASK]", "[SEP] inside",
    "$9.99 or €8,50", "50/50", "A.M. and p.m.", "U.S.A.", "¿Qué?", "O'Neill–Smith",
]

SENTENCES = [
    "The harbour was quiet until the first ferry sounded its horn.",
    "She repaired the clock with a paper clip and a little patience.",
    "How many bridges cross the river between the mill and the sea?",
    "Nobody had told the baker that the wedding was moved to Tuesday.",
    "Water boils at a lower temperature on a high mountain.",
    "Please send the signed form before noon; late forms are not read.",
    "The committee met for three hours and decided nothing.",
    "Which planet has the shortest day, and who measured it first?",
    "A good map leaves out almost everything.",
    "His violin, borrowed from an aunt, was older than the hall itself.",
    "If the pump stops, close the blue valve and open the red one.",
    "Prices rose by 4.2 % in March, then fell again by half of that.",
    "I would not buy these shoes again: the soles came off after a week!",
    "Lovely little hotel, friendly people, terrible coffee.",
    "What is the name of the instrument that measures the pressure of the air?",
    "The train to the coast leaves from platform nine at 17:45.",
    "Bees returned to the orchard as soon as the frost was over.",
    "Everyone agreed that the soup needed salt, and nobody stood up to fetch it.",
    "Version 2.0.1 fixes the crash that happened when a folder's name held a space.",
    "Old letters, tied with green string, filled the bottom drawer.",
    "Who wrote the rules of the game, and why do they forbid whistling?",
    "The lighthouse keeper counted ships the way others count sheep.",
    "Turn left at the bakery, walk two hundred steps, and knock twice.",
    "Two thirds of the budget went into a roof that still leaks.",
    "Snow covered the tracks before the dogs could follow them.",
    "An honest answer would have taken longer than the meeting allowed.",
    "The experiment failed on Monday, succeeded on Tuesday, and was never tried again.",
    "Where did the swallows go when the barn was torn down?",
    "Her grandmother kept a jar of buttons, sorted by colour and then by story.",
    "The new bicycle lane ends, without warning, in front of a fountain.",
    "Copper turns green in the rain; iron turns red and disappears.",
    "They named the boat after a cat that had been afraid of water.",
    "Is there a museum that opens after nine in the evening?",
    "The doctor wrote slowly so that the nurse could read every word.",
    "Last winter's storm took the pier, the kiosk and most of the sand.",
    "All five recipes begin with an onion, and four of them end with regret.",
    "Der Bäcker öffnet um sechs Uhr, aber die Brötchen sind erst um sieben fertig.",
    "Wie heißt der Fluss, der durch drei Hauptstädte fließt?",
    "Im Garten hinter dem Haus wächst ein Apfelbaum, den niemand gepflanzt hat.",
    "Le chat dort sur la chaise que personne n'ose plus utiliser.",
    "Où se trouve la gare, et à quelle heure part le dernier train ?",
    "Après la pluie, les élèves ont dessiné des escargots sur le trottoir.",
    "El mercado abre temprano, pero los mejores tomates se acaban antes de las ocho.",
    "¿Cuántos años tiene el puente de piedra que cruza el río?",
    "Mañana llegará mi prima con dos maletas y una guitarra.",
    "A ponte velha range quando passa o elétrico das onze.",
    "Não sei onde deixei as chaves, mas o cão parece saber.",
    "Il treno per il mare parte dal binario quattro, se parte.",
    "Perché la luna sembra più grande quando è vicina all'orizzonte?",
    "De fiets staat al drie weken tegen dezelfde boom.",
    "Vinden var kall, men kaffet var varmt och sällskapet gott.",
    "Hvor mange øyer ligger det i fjorden, og hvem eier dem?",
    "Metsässä oli niin hiljaista, että lumi kuului putoavan oksilta.",
    "Na stole leżała książka, której nikt nie skończył czytać.",
    "Řeka zamrzla a děti bruslily až k mlýnu.",
    "A kertész minden reggel megszámolja a rózsákat.",
    "Trenul a întârziat, dar nimeni nu s-a supărat.",
    "Köprüden geçerken rüzgâr şapkamı denize uçurdu.",
    "Con mèo ngủ trên mái nhà suốt cả buổi chiều.",
    "Pasar itu buka sebelum matahari terbit.",
    "Старый мост скрипит, когда по нему едет трамвай.",
    "Сколько островов в этом озере, и кто их посчитал?",
    "Увечері ми пили чай і слухали дощ.",
    "Ο φάρος ανάβει πριν δύσει ο ήλιος.",
    "السوق يفتح باكرا ويغلق عند الغروب.",
    "כמה גשרים יש בעיר הזאת?",
    "नदी के किनारे एक पुराना पेड़ है।",
    "আজ সকালে বৃষ্টি হয়েছিল।",
    "ரயில் இன்று தாமதமாக வந்தது.",
    "รถไฟขบวนสุดท้ายออกตอนเที่ยงคืน",
    "桥下的河水在春天涨得很快。",
    "请问最近的图书馆在哪里？",
    "海辺の小さな駅で、猫が電車を待っていた。",
    "このスープには塩が足りないと思いませんか？",
    "할머니는 단추를 색깔별로 모아 두셨다.",
    "도서관은 몇 시에 문을 닫습니까?",
    "The word 夢 means dream, and the word Fernweh has no short translation.",
    "Meeting @ 10:30 – bring: (a) laptop, (b) charger, (c) patience :-)",
    "for i in range(10): print(i * i)  # squares",
    "SELECT name, age FROM people WHERE age >= 18 ORDER BY name;",
    "WARNING!!! This is NOT a drill... or is it???",
    "1, 2, 3, 5, 8, 13, 21, 34, 55: what comes next?",
    "The café's naïve façade hid a smörgåsbord of déjà-vu.",
    "Dr. O'Connor's e-mail (sent 2019-02-28T23:59:60Z) wasn't read until 03/01.",
]

# Word counts of the passages: mostly those of questions and reviews, some past 128 and 256 tokens.
PASSAGE_LENGTHS = (
    [8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 72, 80] * 5
    + [90, 95, 100, 105, 110, 120, 140, 160, 180, 200, 230, 260, 300]
)


def passage(words, source):
    """Joins sentences drawn from `source` and cuts them off after `words` words."""
    drawn = []
    while len(drawn) < words:
        drawn += source.choice(SENTENCES).split(" ")
    return " ".join(drawn[:words])


def compose():
    source = random.Random(2026)
    texts = FRAGMENTS + SENTENCES + [passage(words, source) for words in PASSAGE_LENGTHS]
    while len(texts) < COUNT:
        text = passage(source.randint(2, 30), source)
        if text not in texts:
            texts.append(text)
    source.shuffle(texts)
    return texts
