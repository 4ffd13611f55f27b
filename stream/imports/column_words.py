"""Names of columns in further languages, as people write them: those that `stream.imports.import_fields` lacks.

Danish, Norwegian, Finnish, Czech, Hungarian, Romanian, Turkish, Russian, Korean.
"""

from typing import Final

__all__ = ["MORE_WORDS"]

#: ``key of the field -> its names``, best first.
MORE_WORDS: Final = {
    "order_id": (
        "Ordrenummer|Ordrenr|Ordre|Bestillingsnummer|Fakturanr|Tilausnumero|Tilaus|Laskun numero|Číslo objednávky"
        "|Objednávka|Číslo faktury|Rendelésszám|Rendelés száma|Rendelés azonosító|Megrendelés|Számlaszám"
        "|Număr comandă|Nr comandă|Comandă|Număr factură|Sipariş No|Sipariş Numarası|Sipariş|Fatura No"
        "|Номер заказа|№ заказа|Заказ|ID заказа|Номер чека|Номер счета|주문번호|주문 번호|주문ID"
    ),
    "date": (
        "Ordredato|Bestillingsdato|Dato|Tilauspäivä|Tilauspäivämäärä|Päivämäärä|Päiväys|Datum objednávky|Vytvořeno"
        "|Rendelés dátuma|Rendelés ideje|Dátum|Data comenzii|Data comandă|Sipariş Tarihi|Tarih"
        "|Дата заказа|Дата создания|Дата оформления|Дата|주문일|주문일시|주문날짜|주문일자|결제일|결제일시|날짜"
    ),
    "time": "Klokkeslæt|Klokken|Kellonaika|Čas|Időpont|Ora|Saat|Время|시간",
    "amount": (
        "Beløb i alt|Total beløb|Samlet beløb|Beløb|Totalbeløp|Beløp|Sum|Yhteensä|Loppusumma|Summa|Kokonaissumma"
        "|Celková cena|Cena celkem|Celkem|Částka|Végösszeg|Összeg|Fizetendő|Összesen|Total comandă|Valoare|Sumă"
        "|Toplam Tutar|Toplam|Tutar|Genel Toplam|Ödenen Tutar|Сумма заказа|Итого|Сумма|Стоимость заказа|Всего"
        "|Оплачено|결제금액|결제 금액|총 결제금액|주문금액|총금액|금액|합계"
    ),
    "currency": "Valuta|Valuutta|Měna|Pénznem|Deviza|Monedă|Para Birimi|Валюта|통화",
    "email": (
        "E-mailadresse|E-postadresse|E-post|Sähköposti|Sähköpostiosoite|E-mail zákazníka|Email zákazníka|E-mail cím"
        "|Adresă de email|Adresă email|E-posta|E-posta adresi|Эл. почта|Электронная почта|Почта|이메일|이메일 주소"
    ),
    "customer": (
        "Kundenr|Kundenummer|Kunde|Asiakasnumero|Asiakas|Číslo zákazníka|Zákazník|Ügyfélszám|Vevő|Ügyfél|Vásárló"
        "|Client|Müşteri No|Müşteri|Alıcı|ID клиента|Номер клиента|Покупатель|Клиент|Заказчик"
        "|고객번호|회원번호|회원ID|고객ID|아이디|고객|회원"
    ),
    "status": (
        "Ordrestatus|Betalingsstatus|Tilauksen tila|Tila|Stav|Stav objednávky|Állapot|Rendelés állapota|Státusz|Stare"
        "|Stare comandă|Sipariş Durumu|Durum|Статус|Статус заказа|주문상태|주문 상태|상태|처리상태"
    ),
    "event": "Tyyppi|Típus|Tür|Тип|구분|유형",
    "refunded": (
        "Refunderet|Refunderet beløb|Refundert|Tilbagebetalt"
        "|Palautettu|Hyvitetty|Vráceno|Vrácená částka|Visszatérítés"
        "|Visszatérített összeg|Rambursat|İade|İade Tutarı|Возврат|Сумма возврата|환불금액|환불"
    ),
    "cancelled": (
        "Annulleret|Annullert|Peruttu|Zrušeno|Törölt|Törölve|Anulat|İptal|Отменён|Отменено|Отмена|취소|취소여부"
    ),
    "product": (
        "Varenummer|Tuotenumero|Tuote|Kód produktu|Produkt|Cikkszám"
        "|Termék|Cod produs|Ürün Kodu|Артикул|상품코드|상품번호"
    ),
    "product_name": (
        "Produktnavn|Varenavn|Tuotenimi|Název produktu|Termék neve|Terméknév|Denumire produs|Ürün Adı|Ürün"
        "|Название товара|Наименование|Товар|상품명|품목명"
    ),
    "quantity": "Antall|Määrä|Množství|Počet|Mennyiség|Darab|Cantitate|Adet|Miktar|Количество|Кол-во|수량",
    "price": (
        "Stykpris|Enhetspris|Yksikköhinta|Hinta|Cena za kus|Egységár|Ár"
        "|Preț unitar|Preț|Birim Fiyat|Fiyat|Цена|단가|판매가"
    ),
    "name": (
        "Kundenavn|Navn|Fulde navn|Asiakkaan nimi|Nimi|Jméno zákazníka|Jméno a příjmení|Vevő neve|Név|Teljes név"
        "|Nume client|Nume complet|Müşteri Adı|Ad Soyad|Имя клиента|ФИО"
        "|Имя покупателя|고객명|주문자|주문자명|이름|성명|구매자명"
    ),
    "first_name": "Fornavn|Etunimi|Jméno|Keresztnév|Prenume|Ad|Adı|Имя",
    "last_name": "Efternavn|Etternavn|Sukunimi|Příjmení|Vezetéknév|Nume|Soyad|Soyadı|Фамилия",
    "phone": (
        "Telefonnummer|Mobil|Puhelin|Puhelinnumero|Telefonszám|Telefon numarası"
        "|Cep Telefonu|Телефон|전화번호|연락처|휴대폰|휴대폰번호"
    ),
    "street": "Adresse|Osoite|Adresa|Ulice|Cím|Utca|Adres|Адрес|주소|배송지",
    "city": "By|Kaupunki|Město|Város|Oraș|Şehir|İl|Город|도시",
    "postcode": "Postnr|Postinumero|PSČ|Irányítószám|Cod poștal|Posta Kodu|Индекс|우편번호",
    "country": "Maa|Země|Ország|Țară|Ülke|Страна|국가",
}
