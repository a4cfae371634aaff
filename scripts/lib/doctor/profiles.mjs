// The clients that can be played: what each sends, in which order, and who it says it is, as published or seen.
//
// - `agent`: its User-Agent, where it is known; `origin`: for clients that are pages
// - `first`: its first message; `accept`: what that accepts; `versionHeader`: whether later ones name the revision
// - `places`: where it looks for the server's metadata, in its order
// - `registration`: what it registers; `document`: its client ID metadata document, and the redirect URI it uses with it
// - `runs`: where it runs: in the cloud, here, or in a browser
//
// Not here: which findings break it (findings.mjs).

const loopback = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };

export const profiles = {
  claude: {
    title: "Claude",
    agent: "Claude-User",
    runs: "cloud",
    first: "initialize",
    accept: "*/*",
    places: ["hint", "path", "root"],
    versionHeader: true,
    registration: { ...loopback, client_name: "Claude", redirect_uris: ["https://claude.ai/api/mcp/auth_callback"] },
    document: { id: "https://claude.ai/oauth/mcp-oauth-client-metadata", redirectUri: "https://claude.ai/api/mcp/auth_callback" },
  },
  "claude-code": {
    title: "Claude Code",
    agent: "claude-code",
    runs: "here",
    first: "server/discover",
    accept: "application/json, text/event-stream",
    places: ["hint", "path", "root"],
    versionHeader: true,
    registration: { ...loopback, client_name: "Claude Code", redirect_uris: ["http://localhost:3118/callback"] },
    document: { id: "https://claude.ai/oauth/claude-code-client-metadata", redirectUri: "http://localhost:3118/callback" },
  },
  chatgpt: {
    title: "ChatGPT",
    agent: "openai-mcp/1.0.0",
    runs: "cloud",
    first: "initialize",
    accept: "application/json, text/event-stream",
    places: ["hint", "path", "root"],
    versionHeader: true,
    registration: { ...loopback, client_name: "ChatGPT", redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"] },
  },
  vscode: {
    title: "VS Code",
    agent: "node",
    runs: "here",
    first: "initialize",
    accept: "text/event-stream, application/json",
    places: ["hint", "path", "root"],
    versionHeader: false,
    registration: {
      ...loopback,
      client_name: "Visual Studio Code",
      client_uri: "https://code.visualstudio.com",
      redirect_uris: [
        "https://insiders.vscode.dev/redirect",
        "https://vscode.dev/redirect",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
      ],
      application_type: "native",
    },
    document: { id: "https://vscode.dev/oauth/client-metadata.json", redirectUri: "http://127.0.0.1:33418/" },
  },
  cursor: {
    title: "Cursor",
    agent: "node",
    runs: "here",
    first: "initialize",
    accept: "application/json, text/event-stream",
    places: ["path", "root"],
    versionHeader: true,
    registration: {
      ...loopback,
      client_name: "Cursor",
      redirect_uris: [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
      ],
    },
  },
  inspector: {
    title: "MCP Inspector",
    agent: "Mozilla/5.0",
    origin: "http://localhost:6274",
    runs: "browser",
    first: "initialize",
    accept: "application/json, text/event-stream",
    places: ["hint", "path", "root"],
    versionHeader: true,
    registration: { ...loopback, client_name: "MCP Inspector", redirect_uris: ["http://localhost:6274/oauth/callback"] },
  },
};

/** Names in findings beside those that can be played. */
export const otherClients = { all: "every client", "mcp-remote": "mcp-remote", "amazon-q": "Amazon Q" };

/** A client's name as people write it. */
export const titleOf = (name) => profiles[name]?.title ?? otherClients[name];

/** The program that is played without a profile. */
export const ownRegistration = { ...loopback, client_name: "MCP doctor", application_type: "native" };
