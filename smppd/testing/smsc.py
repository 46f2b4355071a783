"""A message centre for tests that block: plain functions, unittest, or clients such as smpplib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, overload

from smppd.testing.background import in_event_loop
from smppd.testing.base import WITHIN, Face, centre_for
from smppd.testing.expectations import DIALOGUE_LINES
from smppd.testing.handles import Clock, Faults, Message, Rules, Session

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar, Unpack

    from smppd.testing.aio import AsyncSmsc
    from smppd.testing.conditions import Conditions, MessageConditions
    from smppd.testing.expectations import Expectations
    from smppd.testing.options import Table
    from smppd.testing.recorded import Recorded

    T = TypeVar("T")

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

BLOCKED: Final = (
    "this call blocked the event loop of the test while it waited; if the ESME runs in that loop, "
    "await the method of smsc.aio instead"
)


class Smsc(Face):
    """An SMSC inside of the test, on a free port of 127.0.0.1, in a thread of its own.

    As a context manager its methods block; as an asynchronous one it gives an `AsyncSmsc` whose methods are awaited::

        with smppd.Smsc() as smsc:
            my_esme.connect(smsc.host, smsc.port, smsc.system_id, smsc.password)
            my_esme.send("447700900123", "Your code is 493027")
            sent = smsc.expect_submit(to="4477*", text=re.compile(r"code is (?P<code>\\d+)"))
            assert sent.groups["code"] == "493027"

    Unless settings say otherwise there is one account (smppclient1, password), and receipts come at once.
    """

    def __init__(
        self,
        *,
        accounts: Mapping[str, str] | Sequence[Table] | None = None,
        routes: Sequence[Table] | None = None,
        networks: Mapping[str, Table] | None = None,
        rules: Sequence[Table] | None = None,
        faults: Sequence[Table] | None = None,
        dialect: str | None = None,
        settings: Table | Path | str | None = None,
        virtual_clock: bool | str | None = None,
        seed: int | None = None,
        http: bool = False,
        within: float = WITHIN,
    ) -> None:
        """Set up; nothing is opened before the with statement, or `start`.

        Args:
            accounts: passwords by system_id, or tables as `[[account]]`.
            routes: tables as `[[route]]`.
            networks: tables as `[network.NAME]`, by name.
            rules: as for `rules.add`, or tables as `[[rule]]`.
            faults: tables as `[[fault]]`.
            dialect: the name of one, for all accounts that name none.
            settings: everything else: tables as in a configuration file, or the path of one. Its listeners do not
                count.
            virtual_clock: True, or the date and time at which it begins (ISO 8601): time stands still until
                `clock.advance`.
            seed: of all random draws; the same seed draws the same.
            http: serve the HTTP API too; see `http_url`.
            within: seconds that expectations wait.

        Raises smppd.settings.SettingsError with everything that is not accepted.
        """
        self._centre = centre_for(
            accounts=accounts,
            routes=routes,
            networks=networks,
            rules=rules,
            faults=faults,
            dialect=dialect,
            settings=settings,
            virtual_clock=virtual_clock,
            seed=seed,
            http=http,
            within=within,
        )
        self.rules = Rules(self._centre)
        """Rules: add some, ask how often they fired."""
        self.faults = Faults(self._centre)
        """Faults: add some, ask how often they happened."""
        self.clock = Clock(self._centre)
        """The clock that messages live by."""

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the listeners. A with statement does so for you."""
        self._centre.host.start()

    def stop(self) -> None:
        """Cut all sessions off and close. A with statement does so for you."""
        self._centre.host.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop; raises ServerError when the server made a mistake and nothing else went wrong."""
        self.stop()
        if kind is None:
            self.check_health()

    async def __aenter__(self) -> AsyncSmsc:
        """Start; the result has the same methods, to be awaited."""
        self.start()
        return self.aio

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop."""
        self.__exit__(kind)

    @property
    def aio(self) -> AsyncSmsc:
        """The same message centre with methods that are awaited, under asyncio or trio."""
        from smppd.testing.aio import AsyncSmsc

        return AsyncSmsc(self._centre)

    # -- expectations -------------------------------------------------------------------------------------------------

    @overload
    def expect_submit(
        self, *, count: None = None, within: float | None = None, whole: bool = True, **conditions: Unpack[Conditions]
    ) -> Recorded: ...
    @overload
    def expect_submit(
        self, *, count: int, within: float | None = None, whole: bool = True, **conditions: Unpack[Conditions]
    ) -> list[Recorded]: ...
    def expect_submit(
        self,
        *,
        count: int | None = None,
        within: float | None = None,
        whole: bool = True,
        **conditions: Unpack[Conditions],
    ) -> Recorded | list[Recorded]:
        """Wait until the ESME has submitted this, and return it; with a `count`, a list of the first so many.

        Args:
            count: how many there have to be at least; one when it is not given.
            within: seconds until it is given up; not given: as the message centre says, 5 by default.
            whole: put the parts of long messages together and look at the text of the whole.
            conditions: what is meant, see `Conditions`; all that was submitted since the test began is looked at.

        Raises AssertionError, which tells what came instead.
        """
        some = self._run(self._expectations.some(conditions, count=count, within=self._within(within), whole=whole))
        return some[0] if count is None else some

    def wait_for(
        self, *, count: int = 1, within: float | None = None, **conditions: Unpack[Conditions]
    ) -> list[Recorded]:
        """Wait for PDUs of any kind, one by one: `wait_for(command="bind_transceiver")`; returns the first `count`.

        Parameters and errors are those of `expect_submit`.
        """
        return self._run(self._expectations.some(conditions, count=count, within=self._within(within), whole=False))

    def expect_no(self, *, within: float = 0.0, **conditions: Unpack[Conditions]) -> None:
        """Nothing like this was submitted, nor is for so many seconds. Raises AssertionError, which shows it.

        What an ESME does of its own accord is over after `settle`, so this seldom has to wait.
        """
        self._run(self._expectations.none(conditions, within=self._within(within), whole=True))

    def expect_order(self, *steps: Conditions, within: float | None = None) -> list[Recorded]:
        """For each step a submit comes that meets it, each after the one before; returns these.

        Others may come in between. Raises AssertionError, which names the step that did not come.
        """
        return self._run(self._expectations.in_order(steps, within=self._within(within), whole=True))

    def nothing_else(self, *, within: float = 0.0, **conditions: Unpack[Conditions]) -> None:
        """No submit came that no expectation has returned, nor does for so many seconds. Raises AssertionError.

        So what was expected once and came twice is found. `conditions` narrow down what is meant.
        """
        self._run(self._expectations.nothing_else(conditions, within=self._within(within)))

    def submits(self, **conditions: Unpack[Conditions]) -> list[Recorded]:
        """All that was submitted since the test began, PDU by PDU."""
        return self._run(self._expectations.all(conditions))

    def settle(self, within: float | None = None) -> None:
        """Wait until nothing is under way: requests are answered, messages final, receipts acknowledged.

        With a clock that stands still, messages may wait for their time. Raises AssertionError, which tells what is
        still under way.
        """
        self._run(self._centre.controls.settle(self._within(within)))

    def dialogue(self, limit: int = DIALOGUE_LINES) -> str:
        """The last PDUs since the test began, in lines for people."""
        return self._run(self._expectations.dialogue(limit))

    def report(self) -> dict[str, str]:
        """What helps to understand a failure, by title: the dialogue, and what the server has logged."""
        found = {"dialogue": self.dialogue() if self._centre.host.loop.is_running else "", "log": self.log}
        return {title: text for title, text in found.items() if text}

    # -- what one does to it ------------------------------------------------------------------------------------------

    def mo(self, *, from_: str, to: str, text: str, account: str | None = None) -> None:
        """A subscriber writes: deliver_sm to the ESME, as soon as one is bound that receives.

        Args:
            from_: the subscriber.
            to: the number or name of the ESME.
            text: what does not fit the default alphabet goes as UCS-2.
            account: whose ESME; the first account when it is not given.

        Raises smppd.errors.UserError for an account that does not exist.
        """
        self._run(self._centre.controls.mo(from_, to, text, account or self.system_id))

    def messages(self, **conditions: Unpack[MessageConditions]) -> list[Message]:
        """The messages that were accepted since the test began, oldest first."""
        views = self._run(self._centre.controls.messages(conditions))
        return [Message(self._centre, view) for view in views]

    def message(self, message_id: str) -> Message:
        """The message with this id. Raises smppd.errors.UserError when there is none."""
        return Message(self._centre, self._run(self._centre.controls.message(message_id)))

    @property
    def sessions(self) -> list[Session]:
        """The open sessions, oldest first."""
        return [Session(self._centre, view) for view in self._run(self._centre.controls.sessions())]

    def set_scenario(self, name: str, state: str) -> None:
        """Put a scenario into a state."""
        self._run(self._centre.controls.set_scenario(name, state))

    def reset(self, *, disconnect: bool = False) -> None:
        """As new: the rules, faults and accounts of the beginning, no messages, nothing recorded or expected.

        Sessions stay bound, unless they are to be dropped too: an ESME may run for all tests.
        """
        self._run(self._centre.reset(disconnect=disconnect))

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _expectations(self) -> Expectations:
        return self._centre.expectations

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._centre.host.run(work)
        except AssertionError as error:
            if in_event_loop():
                error.add_note(BLOCKED)
            raise
