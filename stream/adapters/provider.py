"""What a provider's module declares."""

from collections.abc import Callable
from dataclasses import dataclass

from stream.adapters.adapter import UNPROCESSABLE, UNSUPPORTED_MEDIA_TYPE, Adapter, Call, Proof, Translation, no_probe
from stream.adapters.customers import CustomerFinder
from stream.adapters.signatures import Signature, by_signature
from stream.settings import Settings

__all__ = ["Provider", "max_age_s", "signed"]

#: Turns a call into the events in it. Raises `MalformedError` if it is no call of the provider.
Translate = Callable[[Call, CustomerFinder], list[Translation]]


def _unsigned(_settings: Settings) -> Proof | None:
    return None


@dataclass(frozen=True, slots=True)
class Provider:
    """A system that sends events. ``proof``: how its calls are verified, None where no setting says with what.

    The rest as in `Adapter`.
    """

    name: str
    translate: Translate
    proof: Callable[[Settings], Proof | None] = _unsigned
    refusal_status: int = UNPROCESSABLE
    takes_forms: bool = False
    form_status: int = UNSUPPORTED_MEDIA_TYPE
    form_advice: str = "send JSON"
    answers_get: bool = False
    is_probe: Callable[[Call], bool] = no_probe

    def adapter(self, settings: Settings, customers: CustomerFinder) -> Adapter:
        """The adapter under these settings. Raises `SettingsError` for credentials that are incomplete or none."""
        return Adapter(
            self.name,
            lambda call: self.translate(call, customers),
            self.proof(settings),
            refusal_status=self.refusal_status,
            takes_forms=self.takes_forms,
            form_status=self.form_status,
            form_advice=self.form_advice,
            answers_get=self.answers_get,
            is_probe=self.is_probe,
        )


def max_age_s(settings: Settings) -> float:
    """How long a signature that tells its time is accepted."""
    return settings.ingest_signature_age_h * 3600


def signed(setting: str, signature: Signature) -> Callable[[Settings], Proof | None]:
    """Signed under the secret in ``setting``."""

    def proof(settings: Settings) -> Proof | None:
        secret = getattr(settings, setting)
        return by_signature(secret, signature, max_age_s=max_age_s(settings)) if secret else None

    return proof
