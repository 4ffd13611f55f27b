"""Publishing events from Python: typed, checked against the contract, and confirmed.

```python
with Producer() as producer:
    producer.publish(ClickEvent(event_id="e-1", customer_id="c-1", occurred_at=now, name="product_viewed"))
```
"""

from stream.client.event_contract import EventContract
from stream.client.event_record import EventRecord
from stream.client.producer import Producer
from stream.client.receipt import Delivery, Receipt
from stream.errors import DeliveryError, InvalidEventError, PublishError
from stream.events.model import (
    ClickEvent,
    ConsentEvent,
    EmailEvent,
    FeedbackEvent,
    Identifiers,
    InteractionEvent,
    Item,
    PurchaseEvent,
)

__all__ = [
    "ClickEvent",
    "ConsentEvent",
    "Delivery",
    "DeliveryError",
    "EmailEvent",
    "EventContract",
    "EventRecord",
    "FeedbackEvent",
    "Identifiers",
    "InteractionEvent",
    "InvalidEventError",
    "Item",
    "Producer",
    "PublishError",
    "PurchaseEvent",
    "Receipt",
]
