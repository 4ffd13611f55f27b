"""Exports in further languages: the names of columns, dates, amounts and states as people write them there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.events.parsing_times import DateOrder
from stream.imports.days import read_time
from stream.imports.issues import Why
from tests.imports.shop import EXPORTS, imported, rows, table

#: Header, two rows of the same two orders; the second is cancelled. Currency of both.
TABLES = {
    "cs": (
        "Číslo objednávky;Datum objednávky;Zákazník;E-mail;Celková cena;Stav",
        "5. 12. 2025 14:30",
        "1 234,50 Kč",
        "Zrušeno",
        "CZK",
    ),
    "hu": (
        "Rendelésszám;Rendelés dátuma;Vevő;E-mail cím;Végösszeg;Állapot",
        "2025.12.05. 14:30",
        "1 234,50 Ft",
        "Törölve",
        "HUF",
    ),
    "ro": (
        "Număr comandă;Data comenzii;Client;Adresă de email;Total comandă;Stare",
        "5 decembrie 2025 14:30",
        "1.234,50 lei",
        "Anulată",
        "RON",
    ),
    "tr": (
        "Sipariş No;Sipariş Tarihi;Müşteri;E-posta;Toplam Tutar;Durum",
        "5 Aralık 2025 14:30",
        "₺1.234,50",
        "İptal edildi",
        "TRY",
    ),
    "ru": (
        "№ заказа;Дата заказа;Покупатель;Эл. почта;Сумма заказа;Статус",
        "5 декабря 2025 г. 14:30",
        "1 234,50 руб.",
        "Отменён",
        "RUB",
    ),
    "da": (
        "Ordrenr.;Ordredato;Kunde;E-mail;Beløb i alt;Ordrestatus",
        "05-12-2025 kl. 14.30",
        "1.234,50 DKK",
        "Annulleret",
        "DKK",
    ),
    "fi": (
        "Tilausnumero;Tilauspäivä;Asiakas;Sähköposti;Loppusumma;Tila",
        "5.12.2025 klo 14.30",
        "1 234,50 €",
        "Peruutettu",
        "EUR",
    ),
    "ja": (
        "注文番号;注文日時;顧客;メールアドレス;合計金額;注文状況",
        "2025年12月5日(金) 14時30分",
        "￥1,235",
        "キャンセル",
        "JPY",
    ),
    "ko": (
        "주문번호;주문일시;고객;이메일;결제금액;주문상태",
        "2025년 12월 5일 오후 2:30",
        "1,235원",
        "주문취소",
        "KRW",
    ),
}


@pytest.mark.parametrize("language", TABLES)
def test_an_export_of_another_language_is_read_with_its_cancellations(tmp_path: Path, language: str) -> None:
    header, day, amount, cancelled, currency = TABLES[language]
    lines = [f"{k};{day};Ann Ode;ann@example.com;{amount};{state}" for k, state in enumerate(("OK", cancelled), 11)]
    result = imported(table(tmp_path / "a.csv", rows(header, lines)), dates="dmy")
    assert {str(field) for field in result.sources[0].mapping.columns} >= {
        "order_id",
        "date",
        "email",
        "amount",
        "status",
    }
    placed = result.named("completed")
    assert [event["order_id"] for event in placed] == ["11", "12"]
    assert {event["occurred_at"] for event in placed} == {"2025-12-05T14:30:00Z"}
    assert {(event["amount"], event["currency"]) for event in placed} == {
        (1234.5 if "50" in amount else 1235.0, currency)
    }
    assert [event["order_id"] for event in result.named("cancelled")] == ["12"]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "Fr, 05.12.2025",
            "vendredi 5 décembre 2025",
            "ven. 5 déc. 2025",
            "Friday, December 5, 2025",
            "5. prosince 2025",
        ),
        *("5 Ara 2025", "5 дек. 2025", "5 Δεκεμβρίου 2025", "2025. december 5.", "2025年12月5日", "令和7年12月5日"),
        *("2025/12/05 星期五", "2025년 12월 5일 금요일", "5 de dez. de 2025", "5 de diciembre de 2025 00:00 hs."),
    ],
)
def test_days_are_read_with_their_names_and_in_other_calendars(cell: str) -> None:
    assert datetime.fromtimestamp(read_time(cell, UTC, DateOrder.DAY_FIRST) / 1000, UTC) == datetime(
        2025, 12, 5, tzinfo=UTC
    )


@pytest.mark.parametrize("cell", ["Mar 5, 2024", "mar. 5 mars 2024", "Mardi 5 mars 2024", "mar 05.03.2024"])
def test_a_name_that_is_a_day_and_a_month_is_what_the_rest_needs(cell: str) -> None:
    assert datetime.fromtimestamp(read_time(cell, UTC, DateOrder.DAY_FIRST) / 1000, UTC) == datetime(
        2024, 3, 5, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("cell", "currency"),
    [
        *(("1.629,08 TL", "TRY"), ("R 1,629.08", "ZAR"), ("Rp 1.629,08", "IDR"), ("RM1,629.08", "MYR")),
        *(("SFr. 1'629.08", "CHF"), ("1629.08 EURO", "EUR"), ("1 629,08 грн", "UAH"), ("1 629,08 лв.", "BGN")),
    ],
)
def test_signs_of_money_are_told_from_words(tmp_path: Path, cell: str, currency: str) -> None:
    result = imported(table(tmp_path / "a.csv", f"Order;Date;Email;Total\n1;2025-02-03;a@example.com;{cell}\n"))
    assert [(event["amount"], event["currency"]) for event in result.events] == [(1629.08, currency)]


def test_crowns_and_rupees_of_several_countries_are_asked_about_and_never_dollars(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "Order;Date;Email;Total\n1;2025-02-03;a@example.com;12,50 kr.\n")
    with pytest.raises(ImportFileError, match="--currency DKK or --currency NOK or --currency SEK"):
        imported(path)
    assert [event["currency"] for event in imported(path, currency="SEK").events] == ["SEK"]


def test_states_of_other_languages_and_refunds_that_were_not_made(tmp_path: Path) -> None:
    outcomes = {
        "cancelled": ["Avbeställd", "Kansellert", "İptal", "취소", "Törölt"],
        "refunded": [
            "Återbetald",
            "Palautettu",
            "Vráceno",
            "İade edildi",
            "Refundert",
            "返金済み",
            "환불완료",
            "Возврат",
        ],
        "": [
            "Not refunded",
            "Refund requested",
            "Return declined",
            "nicht storniert",
            "Refund failed",
            "Non remboursé",
        ],
    }
    stated = [(state, outcome) for outcome, states in outcomes.items() for state in states]
    lines = [f"{k},2025-03-01,{k}@example.com,10.00,{state}" for k, (state, _) in enumerate(stated)]
    result = imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Total,Status", lines)))
    assert not result.why(Why.UNPAID)
    for outcome in ("cancelled", "refunded"):
        numbers = [str(k) for k, (_, of_it) in enumerate(stated) if of_it == outcome]
        assert [event["order_id"] for event in result.named(outcome)] == sorted(numbers)


def test_a_state_of_many_words_is_read_where_the_column_is_called_so(tmp_path: Path) -> None:
    states = ("Payé", "En attente de paiement par virement", "Annulée", "Échec du paiement par carte")
    lines = [f"{k},2025-03-01,{k}@example.com,10.00,{state}" for k, state in enumerate(states)]
    result = imported(table(tmp_path / "a.csv", rows("Order,Date,Email,Total,Statut", lines)))
    assert [event["order_id"] for event in result.named("cancelled")] == ["2"]
    assert result.why(Why.UNPAID) == [5]


def test_paypal_in_german_counts_sales_and_refunds_alone(tmp_path: Path) -> None:
    """The English export, with the words of the German one."""
    words = {
        "Date": "Datum",
        "Time": "Uhrzeit",
        "TimeZone": "Zeitzone",
        "Type": "Typ",
        "Currency": "Währung",
        "Gross": "Brutto",
        "Fee": "Gebühr",
        "Net": "Netto",
        "From Email Address": "Absender E-Mail-Adresse",
        "Item Title": "Artikelbezeichnung",
        "To Email Address": "Empfänger E-Mail-Adresse",
        "Transaction ID": "Transaktionscode",
        "Country": "Land",
        "Reference Txn ID": "Zugehöriger Transaktionscode",
        "Quantity": "Anzahl",
        "Express Checkout Payment": "PayPal Express-Zahlung",
        "General Payment": "Allgemeine Zahlung",
        "Payment Refund": "Rückzahlung",
        "General Withdrawal": "Allgemeine Abbuchung",
        "Completed": "Abgeschlossen",
    }
    english = (EXPORTS / "paypal-activity.csv").read_text(encoding="utf-8-sig")
    german = english
    for one, other in words.items():
        german = german.replace(f'"{one}"', f'"{other}"')
    held = german.splitlines()[1].replace("PayPal Express-Zahlung", "Freigabe der Zahlung").replace("TX1344", "TX9")
    first, second = imported(EXPORTS / "paypal-activity.csv"), imported(table(tmp_path / "a.csv", f"{german}{held}\n"))
    assert second.sources[0].mapping.title == "PayPal, Aktivitäten"
    assert second.events == first.events
    assert len(second.why(Why.NO_ORDER)) == len(first.why(Why.NO_ORDER)) + 1


def test_columns_of_marketplaces_are_known_by_their_names(tmp_path: Path) -> None:
    tables = {
        "# de venta,Fecha de venta,Total (MXN),Comprador": '1,5 de marzo de 2025 10:00 hs.,"1,100.00",Ann',
        "Order ID,Username (Buyer),Order Creation Date,Grand Total": "1,ann,2025-03-05 10:00,€12.00",
        "Datum,Transaktions-ID,Zahlungstyp,Betrag,E-Mail": '05.03.2025 10:00,T1,Umsatz,"19,90 €",ann@x.org',
    }
    for header, line in tables.items():
        (order,) = imported(table(tmp_path / "a.csv", rows(header, [line]))).events
        assert order["order_id"] in {"1", "T1"}
        assert order["occurred_at"] == "2025-03-05T10:00:00Z"
