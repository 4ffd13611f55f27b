"""Logging in to the console with accounts of a provider of OpenID Connect, by the settings."""

from stream.console.login_pages import Elsewhere
from stream.console.people_elsewhere import LettingIn
from stream.console.single_sign_on import IdentityProvider, SingleSignOn
from stream.directory.desk.accounts import Role
from stream.settings import Settings

__all__ = ["elsewhere_of"]


def elsewhere_of(settings: Settings) -> Elsewhere | None:
    """None without `oidc_issuer`."""
    if not settings.oidc_issuer:
        return None
    provider = IdentityProvider(
        settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_scopes
    )
    domains = frozenset(one.strip().lower() for one in settings.oidc_domains.split(",") if one.strip())
    roles = {value: Role(role) for value, role in settings.console_roles.items()}
    return Elsewhere(SingleSignOn(provider), LettingIn(settings.oidc_roles_claim, roles, domains))
