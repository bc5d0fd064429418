"""The requests of accounts: name, body, and who answers."""

from __future__ import annotations

from app.people.messages import AccountRequest, LinkRequest, NewAccountRequest, RoleRequest
from app.people.office import AccountsOffice
from app.personal import PersonalRequest
from app.requests import EmptyRequest


def account_requests(office: AccountsOffice) -> dict[str, PersonalRequest]:
    """By the request's name."""
    return {
        "account_list": PersonalRequest(EmptyRequest, office.list),
        "account_create": PersonalRequest(NewAccountRequest, office.create),
        "account_role": PersonalRequest(RoleRequest, office.set_role),
        "account_disable": PersonalRequest(AccountRequest, office.disable),
        "account_enable": PersonalRequest(AccountRequest, office.enable),
        "account_link": PersonalRequest(LinkRequest, office.link),
        "account_reset": PersonalRequest(LinkRequest, office.reset),
    }
