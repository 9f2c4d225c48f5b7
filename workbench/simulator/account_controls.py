"""`/_local/…` for the account: users, clients, whether credentials are asked for, applications, numbers and limits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workbench.simulator.accounts import Accounts
from workbench.simulator.applications import shown
from workbench.simulator.logins import Login
from workbench.simulator.wire import Operation, fields_of, json_response
from workbench.simulator.world import World


class AccountControls:
    """The controls of one account."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world, self._accounts = world, accounts

    def operations(self) -> list[Operation]:
        """Every control with its path."""
        application, number, user, client = "/applications/{application_id}", "/numbers/{number}", "/users/{name}", "/clients/{name}"
        return [
            Operation("GET", "/applications", "list the applications", self.list_applications),
            Operation("PUT", application, "set an application's callback URLs, or add one", self.put_application),
            Operation("DELETE", application, "delete an application without numbers", self.delete_application),
            Operation("GET", "/numbers", "list the numbers", self.list_numbers),
            Operation("PUT", number, "own a number, or give it to another application", self.put_number),
            Operation("DELETE", number, "give a number up", self.delete_number),
            Operation("GET", "/users", "list the API users", self.list_users),
            Operation("PUT", user, "add an API user, or change it", self.put_user),
            Operation("DELETE", user, "delete an API user", self.delete_user),
            Operation("GET", "/clients", "list the OAuth2 clients", self.list_clients),
            Operation("PUT", client, "add an OAuth2 client, or change it", self.put_client),
            Operation("DELETE", client, "delete an OAuth2 client and its tokens", self.delete_client),
            Operation("GET", "/auth", "whether credentials are asked for", self.get_auth),
            Operation("PUT", "/auth", "turn credentials on or off, set how long tokens live", self.put_auth),
            Operation("GET", "/limits", "the account's limits", self.get_limits),
            Operation("PUT", "/limits", "turn limits on or off, or set one", self.put_limits),
        ]

    # Applications and numbers

    async def list_applications(self, request: Request) -> Response:
        """GET /_local/applications"""
        return json_response([shown(application) for application in self._world.engine.applications.values()])

    async def put_application(self, request: Request) -> Response:
        """PUT /_local/applications/{id}"""
        fields, application_id = await fields_of(request), request.path_params["application_id"]
        return json_response(shown(self._world.run(lambda engine, now: engine.configure_application(application_id, fields))))

    async def delete_application(self, request: Request) -> Response:
        """DELETE /_local/applications/{id}"""
        self._world.run(lambda engine, now: engine.delete_application(request.path_params["application_id"]))
        return Response(None, 204)

    async def list_numbers(self, request: Request) -> Response:
        """GET /_local/numbers"""
        return json_response([{"number": number, "applicationId": owner} for number, owner in self._world.engine.numbers.items()])

    async def put_number(self, request: Request) -> Response:
        """PUT /_local/numbers/{number} {"applicationId"}"""
        fields, number = await fields_of(request), request.path_params["number"]
        owner = self._world.run(lambda engine, now: engine.put_number(number, fields))
        return json_response({"number": number, "applicationId": owner})

    async def delete_number(self, request: Request) -> Response:
        """DELETE /_local/numbers/{number}"""
        self._world.run(lambda engine, now: engine.delete_number(request.path_params["number"]))
        return Response(None, 204)

    # Users and clients

    async def list_users(self, request: Request) -> Response:
        """GET /_local/users"""
        return json_response([_shown(name, login) for name, login in self._accounts.users.items()])

    async def put_user(self, request: Request) -> Response:
        """PUT /_local/users/{name} {"password", "rights"}"""
        name = request.path_params["name"]
        return json_response(_shown(name, self._accounts.put_user(name, await fields_of(request))))

    async def delete_user(self, request: Request) -> Response:
        """DELETE /_local/users/{name}"""
        self._accounts.delete_user(request.path_params["name"])
        return Response(None, 204)

    async def list_clients(self, request: Request) -> Response:
        """GET /_local/clients"""
        return json_response([_shown(name, login) for name, login in self._accounts.clients.items()])

    async def put_client(self, request: Request) -> Response:
        """PUT /_local/clients/{name} {"secrets", "rights"}"""
        name = request.path_params["name"]
        return json_response(_shown(name, self._accounts.put_client(name, await fields_of(request))))

    async def delete_client(self, request: Request) -> Response:
        """DELETE /_local/clients/{name}"""
        self._accounts.delete_client(request.path_params["name"])
        return Response(None, 204)

    # Credentials and limits

    async def get_auth(self, request: Request) -> Response:
        """GET /_local/auth"""
        return json_response({"required": self._accounts.required, "token_seconds": self._accounts.token_seconds})

    async def put_auth(self, request: Request) -> Response:
        """PUT /_local/auth with any of required, token_seconds"""
        self._accounts.configure(await fields_of(request))
        return await self.get_auth(request)

    async def get_limits(self, request: Request) -> Response:
        """GET /_local/limits"""
        return json_response(asdict(self._world.engine.limits))

    async def put_limits(self, request: Request) -> Response:
        """PUT /_local/limits with any of on, calls_per_second, queue, calls_at_once, requests_per_second"""
        fields = await fields_of(request)
        return json_response(asdict(self._world.run(lambda engine, now: engine.configure_limits(now, fields))))


def _shown(name: str, login: Login) -> dict[str, Any]:
    """A user or client without its secrets, only their number."""
    return {"name": name, "rights": sorted(login.rights), "secrets": len(login.secrets)}
