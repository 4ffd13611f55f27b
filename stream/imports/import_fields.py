"""What an import looks for in an export, and the names under which it is found in several languages."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from stream.imports.column_words import MORE_WORDS
from stream.imports.names import compared

__all__ = ["MEANINGS", "SYNONYMS", "Piece"]


class Piece(StrEnum):
    """One piece of an order or of a customer; the values are the keys of a mapping file."""

    ORDER_ID = "order_id"
    DATE = "date"
    TIME = "time"
    ZONE = "zone"
    AMOUNT = "amount"
    CURRENCY = "currency"
    EMAIL = "email"
    CUSTOMER = "customer"
    STATUS = "status"
    EVENT = "event"
    REFUND_OF = "refund_of"
    REFUNDED_TO = "refunded_to"
    TEST = "test"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    AMOUNT_AFTER_REFUNDS = "amount_after_refunds"
    REFUNDED_AT = "refunded_at"
    CANCELLED_AT = "cancelled_at"
    PRODUCT = "product"
    PRODUCT_NAME = "product_name"
    QUANTITY = "quantity"
    PRICE = "price"
    CATEGORY = "category"
    COUPON = "coupon"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    PHONE = "phone"
    STREET = "street"
    STREET_2 = "street_2"
    CITY = "city"
    REGION = "region"
    POSTCODE = "postcode"
    COUNTRY = "country"
    MARKETING = "marketing"


#: What each field is, in the words of a mapping file.
MEANINGS: Final = MappingProxyType(
    {
        Piece.ORDER_ID: "number of the order; rows with the same number are one order",
        Piece.DATE: "when the order was placed",
        Piece.TIME: "time of day, where it has a column of its own",
        Piece.ZONE: "time zone, where it has a column of its own",
        Piece.AMOUNT: "what the customer paid",
        Piece.CURRENCY: "currency of the amounts",
        Piece.EMAIL: "e-mail address of the customer",
        Piece.CUSTOMER: "number or user name of the customer, where there is no e-mail address",
        Piece.STATUS: "what became of the order: paid, cancelled, refunded, ...",
        Piece.EVENT: "whether the row is a sale or a refund",
        Piece.REFUND_OF: "number of the order whose money a row pays back",
        Piece.REFUNDED_TO: "e-mail address of the customer, in rows that pay money back",
        Piece.TEST: "whether the order was a test",
        Piece.CANCELLED: "whether the order was cancelled",
        Piece.REFUNDED: "what was paid back, or whether all was",
        Piece.AMOUNT_AFTER_REFUNDS: "what was paid less what was paid back",
        Piece.REFUNDED_AT: "when it was paid back",
        Piece.CANCELLED_AT: "when the order was cancelled",
        Piece.PRODUCT: "number of the product in a line of an order",
        Piece.PRODUCT_NAME: "name of the product",
        Piece.QUANTITY: "pieces in a line of an order",
        Piece.PRICE: "price of one piece",
        Piece.CATEGORY: "category of the product",
        Piece.COUPON: "coupon or discount code",
        Piece.NAME: "name of the customer",
        Piece.FIRST_NAME: "first name",
        Piece.LAST_NAME: "last name",
        Piece.COMPANY: "company",
        Piece.PHONE: "telephone",
        Piece.STREET: "street",
        Piece.STREET_2: "second line of the address",
        Piece.CITY: "city",
        Piece.REGION: "state or province",
        Piece.POSTCODE: "postcode",
        Piece.COUNTRY: "country",
        Piece.MARKETING: "whether the customer agreed to be written to",
    }
)

# English, German, French, Spanish, Italian, Dutch, Portuguese, Polish, Swedish, Chinese, Japanese; as
# `names.compared` writes them. The first of two columns that fit one field is the one whose name comes first here.
_WORDS: Final[dict[Piece, str]] = {
    Piece.ORDER_ID: (
        "order id|order number|order no|order|order name|order ref|order reference|invoice id|invoice number|invoice no"
        "|num|invoice|receipt number|receipt|transaction id|sale id|ref id|number|bestellnummer|bestell nr|bestellnr"
        "|bestellung|auftragsnummer|auftrag|rechnungsnummer|rechnungs nr|rechnungsnr|rechnung nr|rechnung|belegnummer"
        "|transaktions id"
        "|beleg nr|belegnr|numero de commande|no de commande"
        "|commande|no commande|numero de facture|facture|numero de pedido|no de pedido|no pedido|pedido"
        "|id pedido|number de venta|numero ordine|ordine"
        "|id ordine|numero fattura|bestelnummer|ordernummer|bestelling|factuurnummer|numero do pedido|no do pedido"
        "|encomenda|numer zamowienia|zamowienie|nr zamowienia|order nr|ordernr|ordrenummer|fakturanummer"
        "|reference|id"
        "|bestell id|订单编号|订单号|订单id|订单|交易号|交易编号|流水号|单号|編號|訂單編號|訂單號"
        "|注文番号|注文id|受注番号|伝票番号"
    ),
    Piece.DATE: (
        "order date|ordered at|ordered on|date ordered|order time|order created|created at|created|date created"
        "|creation date|placed at|placed on|purchase date|purchased at|sale date|paid at|date paid|invoice date"
        "|transaction date|date|datetime|date time|timestamp|ts|day|bestelldatum|auftragsdatum|bestellt am|kaufdatum"
        "|rechnungsdatum|belegdatum|erstellt am|datum|date de commande|date commande|date d achat|date de facture"
        "|fecha de pedido|fecha del pedido|fecha pedido|fecha de compra|fecha|data ordine|data dell ordine"
        "|data acquisto|data"
        "|besteldatum|orderdatum|aankoopdatum|data do pedido|data da compra|data da encomenda|data zamowienia"
        "|data zakupu|data utworzenia|kopdatum|ordredato|dato"
        "|datum der bestellung|date et heure|fecha y hora|fecha del pago|下单时间|下单日期|订单日期|订单时间"
        "|订单创建时间|创建时间|付款时间|支付时间|订单付款时间|成交时间|交易时间|购买时间"
        "|购买日期|日期|时间|下單時間|訂單日期|日期時間"
        "|注文日|注文日時|受注日|受注日時|購入日|購入日時"
    ),
    Piece.TIME: "time|order time|uhrzeit|zeit|heure|hora|ora|tijd|godzina|tid|klockslag",
    Piece.ZONE: "time zone|timezone|zeitzone|fuseau horaire|zona horaria|fuso orario|tijdzone",
    Piece.AMOUNT: (
        "order total|total amount|grand total|total price|total paid|amount paid|order total amount|order amount"
        "|order value|gross transaction amount|total|amount|revenue|turnover|sales|value|paid|net sales|gross"
        "|gross amount|brutto|line total"
        "|item total|gesamtbetrag"
        "|gesamtsumme|bestellsumme|gesamt|summe|betrag|umsatz|endbetrag|rechnungsbetrag|montant total|total ttc"
        "|total commande|montant|chiffre d affaires|importe total|total del pedido|total pedido|importe|monto"
        "|totale ordine|totale|importo|totaalbedrag|totaal|bedrag|valor total|valor|total do pedido|kwota|suma|wartosc"
        "|wartosc zamowienia|razem|summa|belopp|totalbelopp|belob"
        "|zahlbetrag|bruttobetrag|bruttosumme|rechnungssumme|gesamtpreis|montant paye"
        "|prix total|importe pagado|total pagado|precio total|实付金额|买家实付金额|买家实际支付金额"
        "|实际支付金额|实收金额|支付金额"
        "|付款金额|订单金额|订单总额|订单总金额|成交金额|交易金额|总金额|总额|合计|总计|金额|销售额|實付金額|訂單金額|總金額|金額"
        "|合計金額|請求金額|こ請求額|支払金額|注文金額|合計"
    ),
    Piece.CURRENCY: (
        "currency|currency code|order currency|wahrung|waehrung|devise|monnaie|moneda|divisa|valuta|moeda|waluta"
        "|币种|货币|币别|幣別|貨幣"
        "|通貨"
    ),
    Piece.EMAIL: (
        "email|e mail|email address|e mail address|customer email|customer e mail|billing email|email billing"
        "|buyer email|contact email|mail|kunden email|kunden e mail|e mail adresse|emailadresse|adresse e mail"
        "|adresse email|courriel|correo electronico|correo|email del cliente|indirizzo email|posta elettronica"
        "|e mailadres|emailadres|endereco de email|adres e mail|adres email|epost|e post"
        "|邮箱|电子邮箱|邮箱地址|电子邮件|邮件|买家邮箱|客户邮箱|電子郵件|電郵"
        "|メールアトレス|eメール|メール"
    ),
    Piece.CUSTOMER: (
        "customer id|customer number|customer no|customer code|customer ref|client id|client number|buyer id"
        "|buyer username|username buyer|user id|consumer id"
        "|member id|member|account id|account number|customer|client|buyer|user|username|shopper|kundennummer|kunden nr"
        "|kundennr|kunden id|kunde|kaufer|numero client|no client|no de client|id client|acheteur"
        "|numero de cliente|no de cliente|no cliente|id cliente"
        "|cliente|comprador|numero cliente|codice cliente|acquirente|klantnummer|klant id|klant|koper|numer klienta"
        "|id klienta|klient|kupujacy|kundnummer|kund|kundenummer"
        "|nick|客户编号|客户id|顾客编号|会员编号|会员号|会员id|用户id|用户编号|买家id|买家会员名|买家昵称|买家旺旺|买家账号|买家|会员名|会员|用户名|昵称|客户|顾客"
        "|用户|客户名称|顾客姓名|客戶編號|會員編號|買家|顧客|客戶"
        "|顧客番号|顧客id|会員番号|お客様番号"
    ),
    Piece.STATUS: (
        "order status|status|financial status|payment status|state|bestellstatus|zahlungsstatus|statut|etat"
        "|statut de la commande|estado|estado del pedido|stato|stato ordine|orderstatus|status zamowienia"
        "|订单状态|交易状态|支付状态|付款状态|状态|訂單狀態|狀態"
        "|注文ステータス|ステータス|注文状況"
    ),
    Piece.EVENT: (
        "event type|transaction type|sale type|entry type|document type|doc type|record type|kind|type|subtype|vorgang"
        "|belegart|belegtyp|dokumentart|transaktionsart|zahlungstyp|buchungsart|vorgangsart|art|typ"
        "|type de document|type de piece"
        "|tipo documento|tipo de documento|tipo|typ dokumentu|soort|交易类型|业务类型|类型"
    ),
    Piece.TEST: (
        "test|is test|test order|test mode|is test order|testbestellung|testauftrag|commande test|commande de test"
        "|pedido de prueba|ordine di prova|测试|测试订单|是否测试"
    ),
    Piece.REFUNDED: (
        "refunded amount|refund amount|amount refunded|total refunded|refunded total|refunded|refund|refunds"
        "|erstattet|erstattungsbetrag|erstattung|erstatteter betrag|ruckerstattung|rembourse|montant rembourse"
        "|remboursement|reembolsado"
        "|importe reembolsado|reembolso|rimborsato|rimborso|importo rimborsato|terugbetaald|terugbetaling|zwrot"
        "|aterbetalt"
        "|退款金额|已退款金额|退款|退款金額"
    ),
    Piece.CANCELLED: (
        "cancelled|canceled|is cancelled|is canceled|order cancelled|void|voided|storniert|storno|stornierung|annule"
        "|annulee|annulation|cancelado|anulado|anulada|annullato|annullata|geannuleerd|anulowane|anulowano|avbruten"
        "|makulerad|取消|已取消|是否取消|キャンセル"
    ),
    Piece.REFUNDED_AT: (
        "refunded at|refund date|refunded date|date refunded|erstattet am|date de remboursement"
        "|退款时间|退款日期|refunded|erstattet|rembourse"
    ),
    Piece.CANCELLED_AT: (
        "cancelled at|canceled at|cancelled date|canceled date|cancellation date|date cancelled|storniert am"
        "|stornodatum|date d annulation|fecha de cancelacion|data annullamento"
        "|取消时间|取消日期|cancelled|canceled|storniert|annule|annulee|cancelado|annullato"
    ),
    Piece.PRODUCT: (
        "sku|product id|item id|stock code|article number|item number|product code|variant sku|lineitem sku|item sku"
        "|artikelnummer|artikel nr|art nr|reference produit|ref produit|referencia|codigo|codice prodotto"
        "|codice articolo|artikelcode|kod produktu|product|produkt|produit|producto|prodotto|item|artikel|article"
        "|商品编号|商品编码|商家编码|商品id|货号|sku编码|商品"
    ),
    Piece.PRODUCT_NAME: (
        "product name|item name|item title|lineitem name|product title|title|description|item description"
        "|artikelbezeichnung|bezeichnung|produktname|beschreibung|nom du produit|designation|nombre del producto"
        "|descripcion|nome prodotto|descrizione|productnaam|omschrijving|nazwa produktu|produktnamn"
        "|商品名称|商品标题|宝贝标题|宝贝名称|产品名称|品名|商品名稱"
        "|商品名"
    ),
    Piece.QUANTITY: (
        "quantity|qty|lineitem quantity|item quantity|pieces|units|count|menge|anzahl|stuck|stuckzahl|quantite|qte"
        "|cantidad|quantita|aantal|quantidade|qtd|ilosc|antal"
        "|数量|购买数量|商品数量|件数|數量"
        "|個数"
    ),
    Piece.PRICE: (
        "unit price|unit amount|price|item price|lineitem price|price each|item cost|einzelpreis|stuckpreis|preis"
        "|prix unitaire|prix|precio unitario|precio|prezzo unitario|prezzo|stukprijs|prijs|preco|preco unitario|cena"
        "|pris|styckpris"
        "|单价|商品单价|价格|商品价格|單價|價格"
    ),
    Piece.CATEGORY: (
        "category|product category|department|kategorie|categorie|categoria|kategoria|kategori|类目|商品类目|分类|类别"
    ),
    Piece.COUPON: (
        "coupon|coupon code|discount code|voucher|promo code|gutschein|gutscheincode|rabattcode|code promo|bon"
        "|codigo de descuento|cupon|codice sconto|kortingscode|kod rabatowy|rabattkod"
        "|优惠券|优惠码|折扣码"
    ),
    Piece.NAME: (
        "customer name|full name|contact name|name|billing name|buyer name|client name|consumer name|ship name"
        "|kundenname|nom complet|nom du client|nombre completo"
        "|nombre del cliente|nome completo|nome cliente|klantnaam|imie i nazwisko|namn"
        "|姓名|收货人姓名|收货人|收件人|收件人姓名|客户姓名|联系人|收貨人"
        "|お客様名|氏名|お名前|購入者名|注文者名|顧客名"
    ),
    Piece.FIRST_NAME: (
        "first name|billing first name|first name billing|given name|vorname|prenom|nombre|nome|voornaam|imie|fornamn"
    ),
    Piece.LAST_NAME: (
        "last name|billing last name|last name billing|surname|family name|nachname|familienname|nom|nom de famille"
        "|apellido|apellidos|cognome|achternaam|sobrenome|nazwisko|efternamn"
    ),
    Piece.COMPANY: (
        "company|billing company|company billing|firma|unternehmen|societe|empresa|azienda|bedrijf|公司|公司名称"
    ),
    Piece.PHONE: (
        "phone|phone number|telephone|billing phone|phone billing|telefon|telefono|telefoon|mobile|telefone"
        "|手机|手机号|手机号码|联系手机|联系电话|电话|电话号码|手機|電話"
    ),
    Piece.STREET: (
        "street|address|address 1|address1|street 1|billing address1|billing address 1|billing street|strasse|anschrift"
        "|adresse|rue|direccion|calle|indirizzo|via|adres|straat|endereco|ulica|adress"
        "|收货地址|详细地址|地址|街道"
    ),
    Piece.STREET_2: "address 2|address2|street 2|billing address2|billing address 2|adresszusatz|complement",
    Piece.CITY: ("city|town|billing city|city billing|ort|stadt|ville|ciudad|citta|plaats|stad|cidade|miasto|城市|市"),
    Piece.REGION: ("region|province|county|billing province|billing state|bundesland|provincia|provincie|省|省份|州"),
    Piece.POSTCODE: (
        "postcode|zip|zip code|zipcode|postal code|billing zip|billing postcode|plz|postleitzahl|code postal"
        "|codigo postal|cap|cep|kod pocztowy|postnummer"
        "|邮编|邮政编码"
    ),
    Piece.COUNTRY: ("country|country code|billing country|land|pays|pais|paese|kraj|国家|国家地区"),
    Piece.MARKETING: (
        "accepts marketing|accepts email marketing|email marketing|marketing consent|newsletter|subscribed|opt in"
        "|email subscription status"
    ),
}

#: ``field -> its names``, best first.
SYNONYMS: Final = MappingProxyType(
    {
        field: (*words.split("|"), *(compared(word) for word in MORE_WORDS.get(field, "").split("|") if word))
        for field, words in _WORDS.items()
    }
)
