"""Sentences: hand-written paragraphs in all languages of the paper and some more, and that nothing is lost in any."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.sentences import split_sentences
from bloodbank.errors import UsageError
from bloodbank.languages import PAPER_LANGUAGES, all_languages
from shared_data import shared_data

# Written for this test; `|` stands where a sentence ends.
PARAGRAPHS = {
    "ja": [
        "東京は日本の首都です。|人口は約1,400万人（2020年）です。|本当に大きいですね！",
        "彼は「もう遅い。|帰ろう。」と言った。|そして部屋を出た。",
        "『雪国』は川端康成の小説である。|1937年に出版された。|あなたは読みましたか？|いいえ…まだです。",
        "円周率は3.14です。|Python 3.11を使います。|簡単でしょう？",
        "全角では３．５と書く。|NHKは放送局です（東京にある。）と聞いた。|",
    ],
    "ko": [
        "서울은 대한민국의 수도이다. | 인구는 약 940만 명이다. | 2020년에는 더 많았다.",
        '그는 "늦었어. | 가자."라고 말했다. | 그리고 방을 나갔다.',
        "원주율은 약 3.14이다. | Python 3.11을 사용한다. | 정말요? | 네, 그렇습니다!",
        "글쎄... 잘 모르겠어요. | 내일 다시 이야기합시다.",
    ],
    "ta": [
        "சென்னை தமிழ்நாட்டின் தலைநகரம் ஆகும். | இது வங்காள விரிகுடாவின் கரையில் உள்ளது. | நீங்கள் அங்கு சென்றீர்களா?",
        "டாக்டர் எம்.ஜி.ஆர். பல்கலைக்கழகம் சென்னையில் உள்ளது. | அதன் பரப்பு 3.5 கி.மீ. ஆகும்.",
        "அவர் வந்தார், ஆனால்... தாமதமாக வந்தார். | பிறகு அவர் சென்றார்!",
    ],
    "te": [
        "హైదరాబాద్ తెలంగాణ రాజధాని. | ఇది మూసీ నది ఒడ్డున ఉంది. | మీరు అక్కడికి వెళ్ళారా?",
        "దూరం 3.5 కి.మీ. ఉంటుంది. | డా. రావు గారు నిన్న వచ్చారు.",
        "ఆయన Python 3.11 వాడతారు. | శ్రీ. శర్మ వచ్చారు. | తరువాత వెళ్ళిపోయారు!",
    ],
    "hu": [
        "Budapest Magyarország fővárosa. | A városban kb. 1,7 millió ember él. | Ön járt már ott?",
        "Dr. Kovács János 1945. május 5-én született. | Apja, id. Kovács Béla, orvos volt. | IV. Béla király volt.",
        "„Nem tudom. | Talán.” – mondta Péter. | Aztán elment… | Senki sem látta többé!",
        "Ez pl. nem igaz. | Azt mondta, hogy nem. | De ki hitte el?",
    ],
    "fi": [
        "Helsinki on Suomen pääkaupunki. | Kaupungissa on n. 650 000 asukasta. | Oletko käynyt siellä?",
        "Tri Virtanen syntyi 6. joulukuuta 1917. | Hän opiskeli esim. fysiikkaa ja kemiaa. | Äiti auttoi.",
        "”En tiedä. | Ehkä.” | Niin hän sanoi... | Sitten hän lähti!",
    ],
    "zh": [
        "北京是中国的首都。|人口约2,189万（2020年）。|你去过吗？",
        "他说：“太晚了，我们走吧。”|然后他离开了房间。|“好吧。”",
        "圆周率约为3.14。|Python 3.11很好用！|真的吗？！|我不知道……也许吧。|2020年他来了。",
        "《红楼梦》是一部小说。|作者是曹雪芹。",
    ],
    "my": [
        "ရန်ကုန်မြို့သည် မြန်မာနိုင်ငံ၏ အကြီးဆုံး မြို့ဖြစ်သည်။ | လူဦးရေ ၅ သန်းကျော် ရှိသည်။",
        "သူ၏ အမေ၊ အဖေနှင့် ညီမသည် မန္တလေးတွင် နေကြသည်။|သူတို့သည် ဆရာများ ဖြစ်ကြသည်။",
        "အကွာအဝေးမှာ ၃.၅ ကီလိုမီတာ ဖြစ်သည်။ | Python 3.11 ကို သုံးသည်။ | ဟုတ်လား?",
    ],
    "ar": [
        "القاهرة هي عاصمة مصر. | يبلغ عدد سكانها نحو 10.2 مليون نسمة. | هل زرتها من قبل؟|نعم.",
        "قال د. أحمد: «لا أعرف. | ربما غدًا.» | ثم غادر الغرفة!",
        "ولد عام 1945 م. في دمشق. | درس اللغة العربية... ثم سافر إلى باريس.",
    ],
    "he": [
        "ירושלים היא בירת ישראל. | גרים בה כ-950 אלף תושבים. | האם ביקרת שם?",
        'ד"ר כהן נולד בשנת 1945. | הוא למד בארה"ב, ואחר כך חזר לארץ.',
        '"אני לא יודע. | אולי מחר." | כך הוא אמר, ו... הלך! | פרופ\' לוי נשאר.',
    ],
    "cy": [
        "Caerdydd yw prifddinas Cymru. | Mae tua 3.1 miliwn o bobl yn byw yn y wlad. | Ydych chi wedi bod yno?",
        "Ganwyd Dr. John Davies ym 1938. | Ysgrifennodd lyfrau, e.e. Hanes Cymru, a nifer o erthyglau.",
        "“Dydw i ddim yn gwybod. | Efallai.” | Dyna ddywedodd hi… | Yna aeth adref!",
    ],
    "ga": [
        "Is í Baile Átha Cliath an phríomhchathair. | Tá thart ar 1.4 milliún duine ann. | An raibh tú ann riamh?",
        "Rugadh an Dr. Dubhghlas de hÍde sa bhliain 1860. | Scríobh sé leabhair, m.sh. dánta agus drámaí.",
        "“Níl a fhios agam. | B’fhéidir.” | Sin a dúirt sí… | Ansin d’imigh sí abhaile!",
    ],
    "hi": [
        "दिल्ली भारत की राजधानी है। | यहाँ लगभग 1.9 करोड़ लोग रहते हैं। | क्या आप वहाँ गए हैं?",
        "डॉ. राजेन्द्र प्रसाद का जन्म 1884 ई. में हुआ। | वे भारत के पहले राष्ट्रपति थे।",
        "उसने कहा, “मुझे नहीं पता। | शायद कल।” | फिर वह चला गया! | दूरी 3.5 कि.मी. है।|Python 3.11 अच्छा है।",
        "डॉ. वर्मा यहाँ रहते हैं. | यह उनका घर है.",
        "पुस्तक का मूल्य देखें. अगला पृष्ठ पढ़ें।",  # with a danda in it a full stop ends nothing
    ],
    "ne": [
        "काठमाडौँ नेपालको राजधानी हो। | यहाँ करिब १४.४ लाख मानिस बस्छन्। | के तपाईं त्यहाँ जानुभएको छ?",
        "डा. राम शर्मा वि.सं. २०१० मा जन्मिए। | उनी प्रा. पनि थिए।",
        "उसले भन्यो, “मलाई थाहा छैन। | भोलि आऊ।” | अनि ऊ गयो! | दूरी ३.५ कि.मी. छ।",
    ],
    "en": [
        "Dr. Smith went to Washington, D.C. with Mrs. Jones. | They paid $3.50 each. | Was it worth it?",
        "“I don't know. | Maybe.” | That is what J. S. Bach said… | Then he left!",
        "Press OK. | Then wait... | Pi is 3.14, i.e. roughly three. | He told me. | She said no. | Fine.",
        "The U.S. government met at 5 p.m. on Monday. | Visit example.com, e.g. maps (see fig. 2). | Done!",
        "“Really?” he asked. | (That was all.) | He (sic!) left (at 5 p.m.) Monday. | eBay grew. | 1945 came.",
        "1. Open the box. | 2. Take it out. | IV. Close it.",
    ],
    "de": [
        "Berlin ist die Hauptstadt Deutschlands. | Dort leben ca. 3,7 Mio. Menschen. | Waren Sie schon einmal da?",
        "Dr. Müller kam am 3. Oktober 1990 in Berlin an. | Er war z. B. Lehrer, d. h. Beamter. | 1998 starb er.",
        "„Ich weiß nicht. | Vielleicht.“ | Das sagte er… | „Wirklich?“, fragte sie. | Dann ging er!",
        "Das (neue!) Haus steht (seit 1998.) Neben ihm. | (Nichts sonst.) | Es gehört uns.",
        "Klicken Sie auf OK. | Danach warten Sie bitte... | Am 5. 6. 2020 regierte Karl V. Spanien nicht.",
    ],
    "hy": [
        "Երևանը Հայաստանի մայրաքաղաքն է։ | Այնտեղ ապրում է մոտ 1.1 միլիոն մարդ։ | Դու եղե՞լ ես այնտեղ։",
        "Նա ծնվել է 1945 թ. մայիսի 5-ին։ | Ժողովը սկսվում է 10:30-ին։ | Հետո նա գնաց: | Վերջ:",
        "Սեղմեք OK. Սպասեք։ | Հետո ասաց. Արամը մնաց տանը։",
        "«Չգիտեմ։ | Գուցե վաղը։» | Այդպես ասաց նա... | Ապա գնաց տուն։",
    ],
    "el": [
        "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας. | Ζουν εκεί περίπου 3,1 εκατ. άνθρωποι. | Έχετε πάει εκεί; | Ναι!",
        "Ο κ. Παπαδόπουλος γεννήθηκε το 1945. | Σπούδασε π.χ. φυσική και χημεία στο Α.Π.Θ. της Θεσσαλονίκης.",
        "«Δεν ξέρω. | Ίσως.» | Αυτό είπε… | Τι θέλεις\u037e | Τίποτα.",
    ],
    "fr": [
        "Paris est la capitale de la France. | Environ 2,1 millions de personnes y vivent. | Y êtes-vous déjà allé ?",
        "M. Dupont est né le 14 juillet 1945. | Il a étudié le droit, p. ex. à Lyon, avec Mme. Martin.",
        "« Je ne sais pas. | Peut-être. » | C’est ce qu’il a dit… | Puis il est parti !",
        "« Vraiment ? » demanda-t-elle. | Il répondit : « Oui ! »",
    ],
    "pms": [
        "Turin a l'é la sità pì granda dël Piemont. | A-i vivo apopré 850 mila përson-e. | It ses-to mai stàit?",
        "Ël dotor Pacòt a l'é nassù dël 1899. | A l'ha scrivù vàire poesìe, për es. Crosiere, e 'd lìber.",
        "«I lo sai nen. | Miraco.» | Parèj a l'ha dit… | Peui a l'é andass-ne! | A l'é scrivù an HTML. | Bon.",
    ],
    "ru": [
        "Москва — столица России. | Население составляет около 12,6 млн человек. | Вы там были?",
        "А. С. Пушкин родился в 1799 г. в Москве. | Он писал стихи, т. е. был поэтом, и прозу и т. д.",
        "«Не знаю. | Может быть». | Так он сказал… | — Правда? — спросила она. | Потом он ушёл!",
        "Нажмите кнопку ОК. | Затем см. рис. 5 на стр. 12.",
    ],
    "sv": [
        "Stockholm är Sveriges huvudstad. | Där bor ca 1,6 miljoner människor. | Har du varit där?",
        "Dr. Andersson föddes den 6 juni 1945. | Han läste bl.a. fysik, t.ex. mekanik, kl. 8.30 varje dag.",
        "”Jag vet inte. | Kanske.” | Så sade han… | Sedan gick han ut. | Ingen såg det. | Klicka på OK. | Klart!",
    ],
    # Languages that are not in the paper's bank, and one that is in no table.
    "am": ["ሰላም ነው። | ደህና ነህ፧ | አዎ፡ደህና፡ነኝ፡፡ | እሺ።", "አዎ፡ ደህና፡ ነኝ፡፡ | እሺ።"],
    "bo": ["བོད་ཡིག་ནི་བོད་ཀྱི་ཡི་གེ་ཡིན། | དེ་ནི་གལ་ཆེན་པོ་ཡིན།། | བཀྲ་ཤིས་བདེ་ལེགས།"],
    "cs": ["Praha je hlavní město. | Žije tam např. pan prof. Novák. | Je to tak?"],
    "da": ["København er hovedstaden. | Han kom kl. 8 den 3. maj, bl.a. med Dr. Jensen. | Er det rigtigt?"],
    "es": ["¿Dónde está el Sr. Pérez? | ¡No lo sé! | Vive en la Av. Mayor."],
    "ka": [
        "თბილისი საქართველოს დედაქალაქია. | იქ ბევრი ხალხი ცხოვრობს. | მართლა?",
        "NASA დიდი სააგენტოა. | ის ამერიკაშია.",
    ],
    "km": ["ភ្នំពេញជារាជធានី។ | វាធំណាស់។|តើអ្នកធ្លាប់ទៅទេ? | ចា៎៕"],
    "lo": ["ວຽງຈັນເປັນນະຄອນຫຼວງຂອງປະເທດລາວທີ່ມີຄົນອາໄສຢູ່ຫຼາຍ | ມັນຕັ້ງຢູ່ແຄມແມ່ນ້ຳຂອງ"],
    "th": [
        "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทยและใหญ่ที่สุด | มีประชากรประมาณ 10 ล้านคน และมีวัดมากมายให้เที่ยวชม | ใช่ไหม",
    ],
    "ur": ["لاہور ایک بڑا شہر ہے۔|کیا آپ وہاں گئے ہیں؟ | جی ہاں!"],
    "vi": ["Hà Nội là thủ đô của Việt Nam. | Dân số khoảng 8,4 triệu người. | Bạn đã đến đó chưa?"],
    # A text that begins with a small letter does not mark beginnings by capitals; one that begins with a capital does.
    "x-toki1": ["toki pona li pona. | mi olin e ona! | sina pona ala pona?", "Ma li suli. jan li lon. la ona li pona."],
}
CASES = [(language, marked) for language, texts in PARAGRAPHS.items() for marked in texts]


def squeezed(text):
    return "".join(text.split())


@pytest.mark.parametrize(("language", "marked"), CASES)
def test_hand_written_paragraphs(language, marked):
    marked = unicodedata.normalize("NFC", marked)
    paragraph = marked.replace(" | ", " ").replace("|", "")
    assert split_sentences(paragraph, language) == [part.strip() for part in marked.split("|") if part]


def test_every_language_of_the_paper_has_three_paragraphs():
    assert all(len(PARAGRAPHS[language]) >= 3 for language in PAPER_LANGUAGES)


ANYTHING = st.text(
    alphabet=st.one_of(
        st.sampled_from([*".!?…。।\"”“«»()[]<>'’ \n\t\xa0\u3000ÄßAab1中က၏၊٣३İ😀\u0301\u200d་།๚ก່;:፡-–", "\ud800"]),
        st.characters(),
    ),
    max_size=60,
)


@given(ANYTHING, st.sampled_from([*(language.code for language in all_languages()), "x-any"]))
def test_nothing_is_lost_in_any_language(paragraph, language):
    sentences = split_sentences(paragraph, language)
    place = 0
    for sentence in sentences:
        found = paragraph.index(sentence, place)
        assert sentence
        assert sentence == sentence.strip()
        assert not paragraph[place:found].strip()  # only white space stands between them
        place = found + len(sentence)
    assert not paragraph[place:].strip()


@given(ANYTHING.map(lambda text: " ".join(text.split())), st.sampled_from(PAPER_LANGUAGES))
def test_a_sentence_holds_a_letter_or_a_digit_where_the_paragraph_does(paragraph, language):
    sentences = split_sentences(paragraph, language)
    assert len(sentences) <= 1 or all(any(c.isalnum() or c == "_" for c in sentence) for sentence in sentences)


def test_every_mark_that_the_library_knows_ends_a_sentence():
    import sentencex

    commas = {"\u104a", "\u2024"}  # Burmese comma, one dot leader
    known = [
        mark
        for mark in map(chr, range(0x21, 0x1_FFFF))
        if unicodedata.category(mark)[0] in "PS" and len(sentencex.segment("en", f"Aa{mark} Bb")) == 2
    ]
    assert len(known) > 140
    assert [mark for mark in known if len(split_sentences(f"Aa{mark} Bb", "en")) != 2] == sorted(commas)


def test_a_quotation_mark_without_its_pair_keeps_nothing_together():
    paragraph = 'He bought a 5" pipe. ' + "It was long. " * 2_000 + 'Then a 3" pipe. Done.'
    assert len(split_sentences(paragraph, "en")) == 2_003


@pytest.mark.parametrize("paragraph", ["Partie A\xa0. Fin.", "Teil A\u3000. Ende."])
def test_white_space_that_makes_the_library_panic_does_no_harm(paragraph):
    assert squeezed("".join(split_sentences(paragraph, "fr"))) == squeezed(paragraph)


def test_a_word_that_is_an_abbreviation_in_english_only_ends_sentences_elsewhere():
    assert split_sentences("Jag tror det. Sedan nu.", "sv") == ["Jag tror det.", "Sedan nu."]
    assert split_sentences("In the Wis. The end.", "en") == ["In the Wis. The end."]
    assert split_sentences("A Wis. Az vége.", "hu") == ["A Wis.", "Az vége."]


@pytest.mark.parametrize("paragraph", ["It is done. 🙂", "It is done! –", "好。）", "… It is done.", "« It is done. »"])
def test_what_holds_no_word_is_no_sentence(paragraph):
    assert split_sentences(paragraph, "en") == [paragraph]


@pytest.mark.parametrize("nothing", ["", " ", "\n\t\u3000"])
def test_no_text_has_no_sentence(nothing):
    assert split_sentences(nothing, "zh") == []


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match=r"unknown language 'xx'.*Use a code of Wikipedia or ISO 639-1"):
        split_sentences("A. B.", "xx")


@pytest.mark.parametrize(
    "unit",
    [
        ".",
        ". ",
        "A. ",
        "a.) ",
        "a ",
        " ",
        "(",
        '."',
        ". »",
        "ก ",
        "1. ",
        "།",
        "! - - - - - - ",
        "Dr. ",
        "\u0301",
        "Ja. ",
    ],
)
@pytest.mark.parametrize("before", ["", "Aa" + " " * 200_000])
def test_time_is_linear(unit, before):
    paragraph = (before + unit * 500_000)[:500_000]
    start = time.process_time()
    split_sentences(paragraph, "de")
    assert time.process_time() - start < 5  # at most 0.6 where it is linear, minutes where it is quadratic


def test_real_text_is_split_nearly_as_the_library_splits_it():
    import lzma

    import sentencex

    text = lzma.decompress(shared_data("text", "fi.txt.xz").read_bytes()).decode().splitlines()[:4_000]
    n_ours = sum(len(split_sentences(line, "fi")) for line in text)
    n_theirs = sum(len(sentencex.segment("fi", line)) for line in text)
    assert 0.95 * n_theirs < n_ours <= 1.01 * n_theirs  # a help book: theirs cut names of properties at their dots
