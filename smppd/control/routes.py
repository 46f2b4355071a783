"""The desk of routes: the first that matches takes a message, so their order says it all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from smppd import strict
from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.judging import HERE, mistakes_between_tables, names_of, read
from smppd.control.pages import Page, page_of
from smppd.settings.plain import plain
from smppd.settings.reach import unknown_in_fault, unknown_in_rule
from smppd.settings.routes import Route
from smppd.strict import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.control.simulation import Simulation
    from smppd.settings import Settings

KIND: Final = "route"


class RouteView(Struct, frozen=True, kw_only=True):
    """One route."""

    name: str
    position: Annotated[int, Meta(description="Its place in the list; the first is 1.")]
    origin: Annotated[
        Literal["file", "api"], Meta(description="Who made it: the configuration files, or somebody at run time.")
    ]
    changed: Annotated[bool, Meta(description="Whether the files say something else of it.")]
    network: Annotated[str, Meta(description="Where its messages go.")]
    waiting: Annotated[int, Meta(description="Messages in its queue.")]
    route: Annotated[dict[str, Any], Meta(description="As the configuration has it, without what is the default.")]


class RoutesDesk:
    """The routes of one server. Messages that were accepted stay on theirs, whatever becomes of it."""

    def __init__(self, simulation: Simulation) -> None:
        """Look after those of this server."""
        self._simulation = simulation

    @property
    def _routes(self) -> list[Route]:
        return list(self._simulation.settings.route)

    def page(self, limit: int = 100, cursor: str = "") -> Page[RouteView]:
        """All of them in their order, page by page."""
        return page_of(list(enumerate(self._routes)), self._view, kind=KIND, limit=limit, cursor=cursor)

    def get(self, name: str) -> RouteView:
        """One of them. Raises NotFoundError."""
        place = self._place(name)
        return self._view((place, self._routes[place]))

    def add(
        self,
        route: Route | Mapping[str, Any],
        *,
        before: str | None = None,
        after: str | None = None,
        last: bool = False,
    ) -> RouteView:
        """Add one, in front of all others unless told otherwise.

        Raises InvalidError with all that is wrong, and ConflictError when there is one of its name.
        """
        new: Route = read(Route, route)
        routes = self._routes
        if any(other.name == new.name for other in routes):
            raise ConflictError(f"there is a route {strict.shown(new.name)} already")
        place = self._place_for(routes, before, after, last=last)
        routes.insert(place, new)
        self._commit(routes, about=place)
        return self.get(new.name)

    def put(self, name: str, route: Route | Mapping[str, Any]) -> RouteView:
        """Have this in the place of the one called so; add it in front of all others when there is none."""
        new: Route = read(Route, {"name": name, **route} if isinstance(route, dict) else route)
        if new.name != name:
            raise InvalidError([("name", f"expected {strict.shown(name)}, as in the path")])
        routes = self._routes
        place = next((place for place, other in enumerate(routes) if other.name == name), None)
        if place is None:
            return self.add(new)
        routes[place] = new
        self._commit(routes, about=place)
        return self.get(name)

    def put_all(self, routes: Sequence[Route | Mapping[str, Any]]) -> Page[RouteView]:
        """Have these in the place of all there are, in this order. Raises InvalidError, ConflictError."""
        self._commit([read(Route, route) for route in routes])
        return self.page(limit=len(routes))

    def delete(self, name: str) -> None:
        """Take one away. Raises NotFoundError, and ConflictError when it is the last, or somebody refers to it."""
        place = self._place(name)
        routes = self._routes
        del routes[place]
        self._commit(routes)

    def order(self, names: Sequence[str]) -> Page[RouteView]:
        """Have these go first, in this order; all others follow as they stood. Raises InvalidError."""
        routes = {route.name: route for route in self._routes}
        problems = [
            (f"names[{place}]", self._unknown(name) if name not in routes else "named twice")
            for place, name in enumerate(names)
            if name not in routes or name in names[:place]
        ]
        if problems:
            raise InvalidError(problems)
        first = [routes.pop(name) for name in names]
        self._commit([*first, *routes.values()])
        return self.page(limit=len(self._routes))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _view(self, placed: tuple[int, Route]) -> RouteView:
        place, route = placed
        files = {one.name: one for one in self._simulation.configured.route}
        state = self._simulation.engine.routes.get(route.name)
        return RouteView(
            name=route.name,
            position=place + 1,
            origin="file" if route.name in files else "api",
            changed=route.name in files and files[route.name] != route,
            network=route.network,
            waiting=0 if state is None else len(state.queue),
            route=plain(route),
        )

    def _place(self, name: str) -> int:
        for place, route in enumerate(self._routes):
            if route.name == name:
                return place
        raise NotFoundError(KIND, name)

    def _place_for(self, routes: Sequence[Route], before: str | None, after: str | None, *, last: bool) -> int:
        given = [name for name, value in (("before", before), ("after", after), ("last", last or None)) if value]
        if len(given) > 1:
            raise InvalidError([(given[1], f"not together with {given[0]}")])
        if last:
            return len(routes)
        wanted = before or after
        if wanted is None:
            return 0
        for place, route in enumerate(routes):
            if route.name == wanted:
                return place if before else place + 1
        raise InvalidError([(given[0], self._unknown(wanted))])

    def _unknown(self, name: str) -> str:
        hint = strict.suggestion(name, [route.name for route in self._routes])
        return f"there is no route {strict.shown(name)}" + (f" ({hint})" if hint else "")

    def _commit(self, routes: list[Route], *, about: int | None = None) -> None:
        """Have these from now on; `about`: the place of the one that somebody has sent, for the paths of mistakes."""
        if not routes:
            raise ConflictError("the last route cannot be deleted: every message would be refused")
        settings = msgspec.structs.replace(self._simulation.settings, route=routes)
        self._check_users(settings)
        problems = [(problem.key, problem.told) for problem in mistakes_between_tables(settings)]
        if about is not None:
            start = key_of((KIND, about))
            problems = [(key.removeprefix(start).removeprefix("."), what) for key, what in problems]
        if problems:
            raise InvalidError(problems)
        self._simulation.configure(settings)

    def _check_users(self, settings: Settings) -> None:
        """Raise ConflictError when rules or faults refer to routes that these settings do not have."""
        names = names_of(settings)
        users = [f'rule "{rule.name}"' for rule in settings.rule if any(unknown_in_rule(rule, HERE, names))]
        users += [f'fault "{fault.name}"' for fault in settings.fault if any(unknown_in_fault(fault, HERE, names))]
        if users:
            raise ConflictError(f"a route that would be gone is named by {', '.join(users)}")
