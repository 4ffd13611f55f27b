"""Texts in Chinese and in a language of compound words: made of phrases, and judged with others than learned."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

import pytest

from stream.texts.classifier import MIN_EXAMPLES, TextClassifier
from stream.texts.mood import mood_classifier

#: By category, complaints and praise.
_CHINESE: Final = {
    "物流": (
        ["快递太慢了", "包裹一直没到", "等了十天才收到货", "快递员态度恶劣", "包裹送错地址了", "物流信息不更新"],
        ["快递很快", "包裹第二天就到了", "物流速度给力", "快递员很有礼貌", "收到货比预计早", "包裹包装完好"],
    ),
    "质量": (
        ["质量太差", "布料很薄", "洗一次就褪色", "拉链用两天就坏了", "做工粗糙", "质量和图片不符"],
        ["质量很好", "布料柔软舒服", "做工精细", "洗了不褪色", "拉链很顺滑", "质量超出预期"],
    ),
    "付款": (
        ["付款失败三次", "被重复扣款", "退款一直没到账", "优惠券不能用", "信用卡付款被拒绝", "扣款金额不对"],
        ["付款很方便", "退款当天到账", "优惠券很划算", "支持信用卡付款真好", "扣款金额清楚", "退款流程简单"],
    ),
    "客服": (
        ["客服不理人", "打电话没人接", "客服回答敷衍", "客服说话很凶", "联系客服等了一小时", "客服推卸责任"],
        ["客服很耐心", "客服马上回复", "打电话很快有人接", "客服帮我解决了问题", "客服态度好", "联系客服很方便"],
    ),
}
_OPENINGS: Final = ["", "说实话、", "第一次买、", "老顾客了、", "昨天", "这次", "我觉得", "朋友推荐来的、"]
_BAD_ENDS: Final = ["。", "、太失望了。", "、不会再买了。", "、差评。", "、很生气。", "、请尽快处理。"]
_GOOD_ENDS: Final = ["。", "、非常满意。", "、下次还来。", "、好评。", "、很开心。", "、谢谢卖家。"]

_GERMAN: Final = {
    "delivery": ["Paketlieferung", "Lieferzeit", "Lieferverzug", "Teillieferung", "Lieferadresse", "Nachlieferung"],
    "payment": ["Zahlungsart", "Vorauszahlung", "Zahlungsziel", "Anzahlung", "Zahlungseingang", "Überzahlung"],
    "fabric": ["Baumwollstoff", "Stofffarbe", "Futterstoff", "Stoffmuster", "Stoffqualität", "Mischstoff"],
}
#: No word of these was learned: only parts of them were.
_GERMAN_LATER: Final = {
    "delivery": ["Expresslieferung", "Liefertermin", "Falschlieferung"],
    "payment": ["Ratenzahlung", "Zahlungsfrist", "Barzahlung"],
    "fabric": ["Leinenstoff", "Stoffprobe", "Seidenstoff"],
}


def _chinese(random: Random) -> tuple[str, str, str]:
    """A text, its category and its mood."""
    category = random.choice([*_CHINESE])
    is_good = random.random() < 0.5
    said = random.choice(_CHINESE[category][is_good])
    text = random.choice(_OPENINGS) + said + random.choice(_GOOD_ENDS if is_good else _BAD_ENDS)
    return text, category, "positive" if is_good else "negative"


def _macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    scores = []
    for label in {truth for truth, _ in pairs}:
        both = sum(truth == given == label for truth, given in pairs)
        named = sum(truth == label for truth, _ in pairs) + sum(given == label for _, given in pairs)
        scores.append(2 * both / named)
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    ("make", "position", "wanted"), [(TextClassifier, 1, 0.8), (mood_classifier, 2, 0.8)], ids=["category", "mood"]
)
def test_chinese_is_learned_with_labels_that_come_late_and_rarely(
    make: Callable[[], TextClassifier], position: int, wanted: float
) -> None:
    random = Random(5)
    told = [_chinese(random) for _ in range(700)]
    model, judged = make(), []
    for number, one in enumerate(told):
        judged.append((one[position], str(model.predict_one(one[0]))))
        # every second label, fifty texts late
        if number >= 50 and number % 2 == 0:
            model.learn_one(told[number - 50][0], told[number - 50][position])
    assert _macro_f1(judged[350:]) >= wanted


def test_a_new_chinese_category_is_decided_for_from_its_twentieth_text_on() -> None:
    random = Random(6)
    model = TextClassifier()
    for _ in range(200):
        text, category, _ = _chinese(random)
        model.learn_one(text, category)
    sizes = ["尺码偏大", "尺码偏小", "尺寸不准", "码数不对", "尺码表有误"]
    for number in range(MIN_EXAMPLES):
        assert model.decide("衣服尺码不合适").label != "尺码"
        model.learn_one(random.choice(_OPENINGS) + sizes[number % 5] + random.choice(_BAD_ENDS), "尺码")
    found = model.decide("衣服尺码不合适")
    assert found.label == "尺码"
    assert {*found.words} & {"尺", "码"}


def test_parts_of_compound_words_tell_the_category_of_compounds_that_nobody_wrote_before() -> None:
    model = TextClassifier()
    for _ in range(4):
        for label, words in _GERMAN.items():
            for word in words:
                model.learn_one(f"Frage zu: {word}", label)
    later: Mapping[str, list[str]] = _GERMAN_LATER
    judged = [(label, str(model.predict_one(word))) for label, words in later.items() for word in words]
    assert [pair for pair in judged if pair[0] != pair[1]] == []
