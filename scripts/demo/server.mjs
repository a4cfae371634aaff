// A small upstream MCP server to try the gateway with, in both eras of the protocol: server.mjs PORT.
// Everything it says is deterministic, so that tests can use it too.
import { createServer } from "node:http";

import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const port = Number(process.argv[2] ?? 8788);

function demo() {
  const server = new McpServer({ name: "demo", version: "1.0.0" });
  const text = (value) => ({ content: [{ type: "text", text: String(value) }] });

  server.registerTool("echo", { description: "Says what you say", inputSchema: z.object({ text: z.string() }) }, ({ text: said }) =>
    text(said),
  );
  server.registerTool("add", { description: "Adds two numbers", inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) =>
    text(a + b),
  );
  server.registerTool(
    "get_weather",
    { description: "The weather of a city, invented but always the same", inputSchema: z.object({ city: z.string() }) },
    ({ city }) => {
      const sum = [...city.toLowerCase()].reduce((total, letter) => total + letter.codePointAt(0), 0);
      return text(`${city}: ${["sunny", "cloudy", "rainy", "windy"][sum % 4]}, ${(sum % 30) + 1} °C`);
    },
  );
  server.registerPrompt("haiku", { description: "Asks for a haiku", argsSchema: z.object({ about: z.string() }) }, ({ about }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Write a haiku about ${about}.` } }],
  }));
  server.registerResource("readme", "demo://readme", { description: "What this server is", mimeType: "text/plain" }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "text/plain", text: "The demo server of the MCP edge gateway." }],
  }));
  return server;
}

const handle = toNodeHandler(createMcpHandler(demo));
const [hostAllowed, originAllowed] = [localhostHostValidation(), localhostOriginValidation()];

function answer(request, response) {
  if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
  if (new URL(request.url, "http://localhost").pathname !== "/mcp") return response.writeHead(404).end("The demo server is at /mcp\n");
  handle(request, response);
}

// `localhost` means either address, depending on who resolves it.
createServer(answer).listen(port, "127.0.0.1", () => console.log(`demo server at http://localhost:${port}/mcp`));
createServer(answer)
  .on("error", () => {})
  .listen(port, "::1");
