// A host of MCP Apps in a browser, made from the libraries that hosts are made from: it lists the tools of a server, reads the page that a
// tool names, and shows it with what the tool answers.
//
// Not here: serving it (app-host.mjs).

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { AppBridge, PostMessageTransport, RESOURCE_MIME_TYPE, getToolUiResourceUri } from "@modelcontextprotocol/ext-apps/app-bridge";

const INFO = { name: "Sunflower Desk", version: "1" };

globalThis.show = async (url, token, name, mode) => {
  const extensions = { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } };
  const client = new Client(INFO, { capabilities: { extensions }, enforceStrictCapabilities: true, versionNegotiation: { mode } });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  const uri = getToolUiResourceUri(tools.find((tool) => tool.name === name));
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri });
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  document.body.append(frame);
  const bridge = new AppBridge(client, INFO, { serverTools: {}, logging: {} });
  bridge.oninitialized = async () => {
    await bridge.sendToolInput({ arguments: {} });
    await bridge.sendToolResult(await client.callTool({ name, arguments: {} }));
  };
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = contents[0].text;
  return { tools: tools.map((tool) => tool.name), resources: resources.map((resource) => resource.uri) };
};
