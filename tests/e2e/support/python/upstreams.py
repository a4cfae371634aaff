"""MCP servers as the Python world builds them, each with its own authorization server: FastMCP's OAuth provider, FastMCP's OAuth proxy in front
of another provider, and the official SDK's server with `mcp.server.auth`.

Started with a JSON list of {"kind", "base", ...} as the one argument; prints the ports as one line of JSON, and ends when standard input does.

Not here: installing Python packages (python.mjs), what stands in front (python-upstreams.mjs).
"""

import asyncio
import json
import socket
import sys

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, OAuthProxy, TokenVerifier
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from key_value.aio.stores.memory import MemoryStore
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer


def who_am_i() -> str:
    """Says who was asked."""
    return "a server in Python"


class AnyToken(TokenVerifier):
    """Believes what the provider behind the proxy issued; the tests look at the gateway's side."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id="somebody", scopes=[])


def fastmcp(server):
    auth = InMemoryOAuthProvider(
        base_url=server["base"],
        client_registration_options=ClientRegistrationOptions(enabled=True),
        revocation_options=RevocationOptions(enabled=True),
    )
    mcp = FastMCP("FastMCP", auth=auth)
    mcp.tool(who_am_i)
    return mcp.http_app()


def proxy(server):
    auth = OAuthProxy(
        upstream_authorization_endpoint=f"{server['provider']}/authorize",
        upstream_token_endpoint=f"{server['provider']}/token",
        upstream_revocation_endpoint=f"{server['provider']}/revoke",
        upstream_client_id=server["client_id"],
        upstream_client_secret=server["client_secret"],
        extra_authorize_params={"scope": "read"},
        token_verifier=AnyToken(),
        base_url=server["base"],
        client_storage=MemoryStore(),
        jwt_signing_key="the tests' own",
    )
    mcp = FastMCP("FastMCP behind a proxy", auth=auth)
    mcp.tool(who_am_i)
    return mcp.http_app()


def sdk(server):
    provider = InMemoryOAuthProvider(base_url=server["base"])
    settings = AuthSettings(
        issuer_url=server["base"],
        resource_server_url=f"{server['base']}/mcp",
        validate_token_resource=False,
        client_registration_options=ClientRegistrationOptions(enabled=True),
        revocation_options=RevocationOptions(enabled=True),
    )
    mcp = MCPServer("The official SDK", auth_server_provider=provider, auth=settings)
    mcp.tool()(who_am_i)
    return mcp.streamable_http_app()


async def main():
    servers = []
    for wanted in json.loads(sys.argv[1]):
        app = {"fastmcp": fastmcp, "proxy": proxy, "sdk": sdk}[wanted["kind"]](wanted)
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=0)
        servers.append((listening, uvicorn.Server(config)))
    serving = [asyncio.create_task(server.serve([listening])) for listening, server in servers]
    while not all(server.started for _, server in servers):
        if any(task.done() for task in serving):
            sys.exit("a server did not start")
        await asyncio.sleep(0.01)
    print(json.dumps({"ports": [listening.getsockname()[1] for listening, _ in servers]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for _, server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)


asyncio.run(main())
