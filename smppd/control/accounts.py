"""Accounts: who may bind and how, how they do, and changes to them, made as a reload of the configuration does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, quoted
from smppd.control.pages import DEFAULT_LIMIT, Page, page_of
from smppd.settings import Account, Throughput
from smppd.settings.checks import CHECKS
from smppd.settings.includes import shipped_dialects
from smppd.settings.reach import places_naming
from smppd.settings.types import (
    MAX_COUNT,
    MAX_PASSWORD_LENGTH,
    BindType,
    Count,
    Name,
    OptionalHostPort,
    OutbindPassword,
    Over,
    Password,
    PasswordHash,
    Range,
    WindowOver,
)
from smppd.strict import StrictReader
from smppd.transport.outbind import OutbindError
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.control.simulation import Simulation
    from smppd.engine.esmes import EsmeState
    from smppd.settings import Settings

KIND: Final = "accounts"
"""What cursors of this list are called."""

MAX_ACCOUNTS: Final = 10_000
"""Accounts that may be made in a running server: a change of one costs as much as a reload of all."""

SECRETS: Final = ("password", "password_hash", "outbind_password")
"""What never leaves."""

ReceiptBind = Literal["same", "any", "round_robin"]
MultipartReceipts = Literal["each", "first", "last"]


class AccountState(Struct, frozen=True, kw_only=True):
    """How an account does."""

    binds: Annotated[dict[BindType, int], Meta(description="Sessions bound now, by bind type.")]
    messages: Annotated[dict[str, int], Meta(description="Messages that have entered each state so far.")]
    receipts_pending: Annotated[int, Meta(description="What it is still to get: receipts and other deliver_sm.")]
    throttled: Annotated[
        dict[str, int], Meta(description="Submits refused because something was full: account, window, session, ...")
    ]
    bind_attempts: Annotated[dict[str, int], Meta(description="Binds by the command_status of their answer.")]
    throughput_fullness: Annotated[
        float | None,
        Meta(description="How much of the burst is used up now: 0 to 1, where nothing passes; null: unlimited."),
    ]


class AccountView(Struct, frozen=True, kw_only=True):
    """One account: its settings as in `[[account]]`, but for passwords, and how it does."""

    system_id: str
    password_max: int
    bind_types: list[BindType]
    max_binds: int
    window: int
    window_over: str
    throughput: Throughput
    deliver_window: int
    receipt_bind: ReceiptBind
    dialect: str
    address_range: str
    multipart_receipts: MultipartReceipts
    outbind: str
    strict: bool | None
    enabled: bool
    state: AccountState


class ThroughputChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a throughput; what is left out stays as it is."""

    limit: Annotated[float, Meta(ge=0, le=MAX_COUNT)] | UnsetType = UNSET
    per: Annotated[float, Meta(gt=0, le=86_400)] | UnsetType = UNSET
    burst: Count | UnsetType = UNSET
    count: Literal["messages", "parts"] | UnsetType = UNSET
    over: Over | UnsetType = UNSET


class AccountChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an account; what is left out stays as it is."""

    password: Password | UnsetType = UNSET
    password_hash: PasswordHash | UnsetType = UNSET
    password_max: Annotated[int, Meta(ge=0, le=MAX_PASSWORD_LENGTH)] | UnsetType = UNSET
    bind_types: Annotated[list[BindType], Meta(min_length=1)] | UnsetType = UNSET
    max_binds: Count | UnsetType = UNSET
    window: Count | UnsetType = UNSET
    window_over: WindowOver | UnsetType = UNSET
    throughput: ThroughputChange | UnsetType = UNSET
    deliver_window: Count | UnsetType = UNSET
    receipt_bind: ReceiptBind | UnsetType = UNSET
    dialect: Name | UnsetType = UNSET
    address_range: Range | UnsetType = UNSET
    multipart_receipts: MultipartReceipts | UnsetType = UNSET
    outbind: OptionalHostPort | UnsetType = UNSET
    outbind_password: OutbindPassword | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class OutbindResult(Struct, frozen=True, kw_only=True):
    """An outbind has left; what the ESME makes of it is to be seen."""

    session: Annotated[str, Meta(description="The session it was sent on.")]
    address: Annotated[str, Meta(description="Where the ESME listens.")]


class AccountDesk:
    """The accounts of one server.

    Changes hold at once for whoever binds from then on, and are gone with the next reload or reset. Sessions of an
    account that is disabled or deleted are unbound; the others stay, and keep the window they were bound with.
    """

    def __init__(self, simulation: Simulation) -> None:
        """Look after these accounts."""
        self._simulation = simulation

    # -- looking ------------------------------------------------------------------------------------------------------

    def list(self, *, limit: int = DEFAULT_LIMIT, cursor: str = "") -> Page[AccountView]:
        """A page of accounts, in configured order. Raises InvalidError for a cursor of something else."""
        return page_of(self._simulation.settings.account, self._view, kind=KIND, limit=limit, cursor=cursor)

    def get(self, system_id: str) -> AccountView:
        """One account. Raises NotFoundError."""
        return self._view(self._find(system_id))

    # -- changing -----------------------------------------------------------------------------------------------------

    def create(self, account: Account) -> AccountView:
        """Add an account behind those that there are.

        Raises ConflictError when there is one of its system_id, InvalidError with all that is wrong with it.
        """
        accounts = self._simulation.settings.account
        if any(each.system_id == account.system_id for each in accounts):
            raise ConflictError(f"there is an account {quoted(account.system_id)} already")
        if len(accounts) >= MAX_ACCOUNTS:
            raise ConflictError(f"there are {len(accounts)} accounts, and no more than {MAX_ACCOUNTS} may be")
        account = _checked(account)
        self._configure([*accounts, account], account)
        return self.get(account.system_id)

    def replace(self, system_id: str, account: Account) -> AccountView:
        """Put an account in the place of the one of this system_id, or add it where there is none.

        Raises InvalidError with all that is wrong with it.
        """
        if account.system_id != system_id:
            raise InvalidError([("system_id", f"expected {quoted(system_id)}, as in the path")])
        accounts = self._simulation.settings.account
        if all(each.system_id != system_id for each in accounts):
            return self.create(account)
        account = _checked(account)
        self._configure([account if each.system_id == system_id else each for each in accounts], account)
        return self.get(system_id)

    def change(self, system_id: str, change: AccountChange) -> AccountView:
        """Change some settings of an account. A new password replaces the hash of the old one, and the reverse.

        Raises NotFoundError, and InvalidError with all that is wrong then.
        """
        table = _table(self._find(system_id))
        changes: dict[str, Any] = {
            name: value for name, value in msgspec.structs.asdict(change).items() if not isinstance(value, UnsetType)
        }
        if isinstance(change.throughput, ThroughputChange):
            changes["throughput"] = table["throughput"] | msgspec.to_builtins(change.throughput)
        if "password" in changes or "password_hash" in changes:
            del table["password_hash" if "password_hash" in table else "password"]
        return self.replace(system_id, _read({**table, **changes}))

    def enable(self, system_id: str) -> AccountView:
        """Let an account bind again. Raises NotFoundError."""
        return self.change(system_id, AccountChange(enabled=True))

    def disable(self, system_id: str) -> AccountView:
        """Refuse the binds of an account, and unbind its sessions. Raises NotFoundError."""
        return self.change(system_id, AccountChange(enabled=False))

    def delete(self, system_id: str) -> None:
        """Take an account away, and unbind its sessions. What waits for it waits on, should it come back.

        Raises NotFoundError, and ConflictError when a route, a list, a rule or a fault names it.
        """
        self._find(system_id)
        settings = self._simulation.settings
        places = places_naming(settings, system_id)
        if places:
            raise ConflictError(f"account {quoted(system_id)} is named by {', '.join(places)}: change that first")
        self._configure([each for each in settings.account if each.system_id != system_id])

    async def outbind(self, system_id: str) -> OutbindResult:
        """Call on an ESME now: connect, and send an outbind (SMPP 3.4 section 2.2.1), whether anything waits or not.

        Raises NotFoundError, and ConflictError when the account has no address for it, is disabled, is being called on
        already, or nobody answers there.
        """
        account = self._find(system_id)
        if not account.outbind:
            raise ConflictError(f"account {quoted(system_id)} has no address to call: set outbind to a host:port")
        if not account.enabled:
            raise ConflictError(f"account {quoted(system_id)} is disabled: its bind would be refused")
        try:
            session = await self._simulation.outbinds.call_now(account)
        except OutbindError as error:
            raise ConflictError(str(error)) from error
        return OutbindResult(session=session, address=account.outbind)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _find(self, system_id: str) -> Account:
        for account in self._simulation.settings.account:
            if account.system_id == system_id:
                return account
        raise NotFoundError("account", system_id)

    def _configure(self, accounts: Sequence[Account], changed: Account | None = None) -> None:
        """Take these accounts, as a reload does."""
        settings: Settings = msgspec.structs.replace(self._simulation.settings, account=[*accounts])
        if changed is not None and changed.dialect not in settings.dialect:
            shipped = shipped_dialects(changed.dialect)
            if not shipped:
                known = ", ".join(settings.dialect)
                raise InvalidError(
                    [("dialect", f"expected the name of a dialect, got {quoted(changed.dialect)}: {known}")]
                )
            settings = msgspec.structs.replace(settings, dialect={**shipped, **settings.dialect})
        self._simulation.configure(settings)

    def _view(self, account: Account) -> AccountView:
        values = {name: value for name, value in msgspec.structs.asdict(account).items() if name not in SECRETS}
        return AccountView(**values, state=self._state(account.system_id))

    def _state(self, system_id: str) -> AccountState:
        context = self._simulation.context
        engine, counters = context.engine, context.counters
        esme: EsmeState = engine.esmes[system_id]
        account = context.accounts.get(system_id)
        throughput = esme.throughput
        return AccountState(
            binds={} if account is None else dict(account.binds),
            messages={MessageState(state).name: count for state, count in enumerate(esme.states)},
            receipts_pending=esme.waiting,
            throttled=_of(counters.throttled_by_scope, system_id),
            bind_attempts=_of(counters.bind_attempts, system_id),
            throughput_fullness=None if throughput is None else throughput.window.fullness(engine.clock.now()),
        )


def settings_of(view: AccountView) -> dict[str, Any]:
    """What of a view is settings: it changes only when somebody changes the account."""
    return {name: value for name, value in msgspec.structs.asdict(view).items() if name != "state"}


def _of(counts: Mapping[tuple[str, str], int], system_id: str) -> dict[str, int]:
    return {what: count for (whose, what), count in counts.items() if whose == system_id}


def _table(account: Account) -> dict[str, Any]:
    """An account as the table it could have been read from."""
    return {name: value for name, value in msgspec.to_builtins(account).items() if value is not None}


def _checked(account: Account) -> Account:
    """An account that somebody has made. Raises InvalidError when it could not have been read from a file."""
    return _read(_table(account))


def _read(table: Mapping[str, Any]) -> Account:
    """An account out of a table of values as a file has them, or as they are in settings."""
    reader = StrictReader(lambda _: "", CHECKS)
    given = {name: value for name, value in table.items() if value is not None}
    account = reader.read(Account, msgspec.to_builtins(given))
    if reader.problems:
        raise InvalidError([(problem.key, problem.told) for problem in reader.problems])
    return account
