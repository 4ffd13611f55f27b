"""Column names as they are compared: without case, accents, punctuation and decoration."""

import re
import unicodedata
from functools import lru_cache

__all__ = ["compared"]

_NOT_WORD = re.compile(r"[\W_]+")
_NUMERO = re.compile(r"\b[Nn][°º]|№")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=4096)
def compared(name: str) -> str:
    """Return `name` in the form in which names are compared.

    >>> compared("Order #"), compared(" Prénom (facturation) "), compared("orderDate"), compared("Buyer_E-Mail")
    ('order number', 'prenom facturation', 'order date', 'buyer e mail')
    """
    text = _CAMEL.sub(" ", _NUMERO.sub(" no ", name.strip().replace("#", " number ").replace("ß", "ss")))
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    # Hangul is put together again
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFC", plain)).strip()
