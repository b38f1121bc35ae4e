"""The same made-up article in twelve scripts: cleaning keeps the same share of it in each."""

import pytest

from bloodbank.corpus.wikipedia.wikitext import Namespaces, clean_wikitext

# A sentence of each language and its full stop; a reader of the wiki sees the same sentences in all.
SENTENCES = {
    "en": ("The town lies on a wide river that flows north", "."),
    "ru": ("Город лежит на широкой реке которая течёт на север", "."),
    "el": ("Η πόλη βρίσκεται σε ένα πλατύ ποτάμι προς βορρά", "."),
    "hy": ("Քաղաքը գտնվում է լայն գետի վրա որը հոսում է", "։"),
    "ka": ("ქალაქი მდებარეობს ფართო მდინარეზე ჩრდილოეთით", "."),
    "ar": ("تقع المدينة على نهر واسع يجري نحو الشمال دائما", "."),
    "he": ("העיירה שוכנת על נהר רחב שזורם צפונה כל השנה", "."),
    "hi": ("यह नगर एक चौड़ी नदी पर बसा है जो उत्तर बहती है", "।"),
    "th": ("เมืองนี้ตั้งอยู่บนแม่น้ำกว้างที่ไหลไปทางเหนือตลอดปี", ""),
    "bo": ("གྲོང་ཁྱེར་འདི་གཙང་པོ་རྒྱ་ཆེན་པོ་ཞིག་གི་འགྲམ་དུ་ཡོད", "།"),
    "am": ("ከተማዋ ወደ ሰሜን በሚፈስ ሰፊ ወንዝ ላይ ትገኛለች ሁልጊዜ", "።"),
    "zh": ("这座城市位于一条宽阔的河流上河水全年向北流去", "。"),
}
ARTICLE = """{{{{Infobox town\n| name = x\n| area = 12\n}}}}
[[File:a.jpg|thumb|{s}{e}]] {s}{e} '''{s}''' [[x|{s}]]{e}<ref>{s}{e}</ref>
{{{{Coord|1|2}}}} {s}{e}

== x ==
* {s}{e}
* [[x|{s}]]{e}

{{| class="wikitable"
|-
| 1 || 2
|}}
{s} {{{{nowrap|{s}}}}} <ruby>{s}<rt>x</rt></ruby>{e} -{{zh-hans:{s}; zh-hant:{s}}}-{e}

[[Category:x]]"""


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_the_same_share_of_an_article_survives_in_every_script(language):
    sentence, end = SENTENCES[language]
    kept = clean_wikitext(ARTICLE.format(s=sentence, e=end), Namespaces.of({}))
    text = "\n".join(kept)
    # Shown: three in the first lines, one behind the coordinates, two items, four in the last paragraph.
    assert text.count(sentence) == 10
    share = sum(map(len, kept)) / (10 * len(sentence + end))
    assert share == pytest.approx(1.03, abs=0.05)
    assert not any(mark in text for mark in ("[[", "]]", "{{", "}}", "-{", "}-", "<", "|", "'''"))
