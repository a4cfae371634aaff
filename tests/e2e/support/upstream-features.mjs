// What the official conformance suite (0.2.0-alpha.12) asks a server to offer: its tools, prompts and resources, by the names it looks for.
//
// Not here: HTTP, sessions, eras (upstream.mjs).

import {
  McpServer,
  ResourceTemplate,
  acceptedContent,
  completable,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  inputResponse,
} from "@modelcontextprotocol/server";
import { z } from "zod";

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";

const state = createRequestStateCodec({ key: "conformance upstream: one process, one key, for tests only" });
const text = (value) => ({ content: [{ type: "text", text: value }] });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const form = (message, properties, required = Object.keys(properties)) =>
  inputRequired.elicit({ message, requestedSchema: { type: "object", properties, required } });
const askModel = (question, maxTokens) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: question } }], maxTokens });

/** One server object per session or request; `notify` reaches the subscriptions of 2026-07-28. */
export function buildServer({ notify, name = "conformance-upstream" }) {
  const server = new McpServer(
    { name, version: "1.0.0" },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      instructions: "Test fixtures of the conformance suite.",
      requestState: { verify: state.verify },
      cacheHints: { "tools/list": { ttlMs: 1000, cacheScope: "public" } },
    },
  );
  addContentTools(server);
  addInteractiveTools(server);
  addInputRequiredTools(server);
  addDiagnosticTools(server, notify);
  addResources(server);
  addPrompts(server);
  return server;
}

function addContentTools(server) {
  const tool = (name, description, handler) => server.registerTool(name, { description }, handler);
  tool("test_simple_text", "Answers one line of text", () => text("This is a simple text response for testing."));
  tool("test_image_content", "Answers an image", () => ({ content: [{ type: "image", data: PIXEL, mimeType: "image/png" }] }));
  tool("test_audio_content", "Answers a sound", () => ({ content: [{ type: "audio", data: SILENCE, mimeType: "audio/wav" }] }));
  tool("test_embedded_resource", "Answers an embedded resource", () => ({
    content: [
      {
        type: "resource",
        resource: { uri: "test://embedded-resource", mimeType: "text/plain", text: "This is an embedded resource content." },
      },
    ],
  }));
  tool("test_multiple_content_types", "Answers text, an image and a resource", () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PIXEL, mimeType: "image/png" },
      {
        type: "resource",
        resource: { uri: "test://mixed-content-resource", mimeType: "application/json", text: '{"test":"data","value":123}' },
      },
    ],
  }));
  tool("test_error_handling", "Always fails", () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  server.registerTool(
    "echo",
    { description: "Answers the text it was given", inputSchema: z.object({ text: z.string() }) },
    ({ text: given }) => text(given),
  );
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Tool with JSON Schema 2020-12 features", inputSchema: fromJsonSchema(SCHEMA_2020_12) },
    (given) => text(JSON.stringify(given)),
  );
  server.registerTool(
    "query_region",
    { description: "Mirrors an argument in a header", inputSchema: fromJsonSchema(SCHEMA_WITH_HEADER) },
    ({ region }) => text(`Asked in ${region}.`),
  );
}

const SCHEMA_WITH_HEADER = {
  type: "object",
  properties: { region: { type: "string", "x-mcp-header": "Region" } },
  required: ["region"],
};

const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: { address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

function addInteractiveTools(server) {
  server.registerTool("test_tool_with_logging", { description: "Logs while it works" }, async (ctx) => {
    await ctx.mcpReq.log("info", "Tool execution started");
    await pause(50);
    await ctx.mcpReq.log("info", "Tool processing data");
    await pause(50);
    await ctx.mcpReq.log("info", "Tool execution completed");
    return text("Logged three times.");
  });
  server.registerTool("test_tool_with_progress", { description: "Reports its progress" }, async (ctx) => {
    await reportProgress(ctx, [0, 50, 100]);
    return text("Reported progress three times.");
  });
  server.registerTool(
    "test_sampling",
    { description: "Asks the client's model", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, ctx) => {
      const answer = await ctx.mcpReq.send({
        method: "sampling/createMessage",
        params: { messages: [{ role: "user", content: { type: "text", text: prompt } }], maxTokens: 100 },
      });
      return text(`LLM response: ${answer.content.text}`);
    },
  );
  server.registerTool(
    "test_elicitation",
    { description: "Asks the person", inputSchema: z.object({ message: z.string() }) },
    async ({ message }, ctx) => {
      const answer = await elicit(ctx, message, {
        username: { type: "string", description: "User's response" },
        email: { type: "string", description: "User's email address" },
      });
      return text(`User response: ${JSON.stringify(answer)}`);
    },
  );
  server.registerTool("test_elicitation_sep1034_defaults", { description: "Asks with default values" }, async (ctx) => {
    const answer = await elicit(ctx, "Please check these values", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    });
    return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
  });
  server.registerTool("test_elicitation_sep1330_enums", { description: "Asks with every kind of choice" }, async (ctx) => {
    const titled = (...titles) => titles.map((title, index) => ({ const: `value${index + 1}`, title }));
    const options = ["option1", "option2", "option3"];
    const answer = await elicit(ctx, "Please choose", {
      untitledSingle: { type: "string", enum: options },
      titledSingle: { type: "string", oneOf: titled("First Option", "Second Option", "Third Option") },
      legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
      untitledMulti: { type: "array", items: { type: "string", enum: options } },
      titledMulti: { type: "array", items: { anyOf: titled("First Choice", "Second Choice", "Third Choice") } },
    });
    return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
  });
}

// `send` keeps a request on the stream of the call it belongs to; the SDK's shortcuts would put it on the GET stream, which not everybody has.
const elicit = (ctx, message, properties) =>
  ctx.mcpReq.send({
    method: "elicitation/create",
    params: { mode: "form", message, requestedSchema: { type: "object", properties, required: [] } },
  });

async function reportProgress(ctx, steps) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (const [index, progress] of steps.entries()) {
    if (index > 0) await pause(50);
    if (progressToken !== undefined) {
      await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
    }
  }
}

function addInputRequiredTools(server) {
  const tool = (name, description, handler) => server.registerTool(`test_input_required_result_${name}`, { description }, handler);
  const askName = () => form("What is your name?", { name: { type: "string" } });
  const nameGiven = (ctx) => acceptedContent(ctx.mcpReq.inputResponses, "user_name", z.object({ name: z.string() }));

  tool("elicitation", "Asks for a name in a second round", (ctx) => {
    const given = nameGiven(ctx);
    return given ? text(`Hello, ${given.name}!`) : inputRequired({ inputRequests: { user_name: askName() } });
  });
  tool("sampling", "Asks the model in a second round", (ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, "capital_question");
    if (answer.kind === "sampling") return text(JSON.stringify(answer.result.content));
    return inputRequired({ inputRequests: { capital_question: askModel("What is the capital of France?", 100) } });
  });
  tool("list_roots", "Asks for the roots in a second round", (ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, "client_roots");
    if (answer.kind === "roots") return text(`Roots: ${answer.roots.map((root) => root.uri).join(", ")}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  });
  for (const name of ["request_state", "tampered_state"]) {
    tool(name, "Carries state through a second round", async (ctx) => {
      if (ctx.mcpReq.requestState()?.asked === name && acceptedContent(ctx.mcpReq.inputResponses, "confirm")) return text("state-ok");
      return inputRequired({
        inputRequests: { confirm: form("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await state.mint({ asked: name }),
      });
    });
  }
  tool("multiple_inputs", "Asks for three things at once", async (ctx) => {
    const given = nameGiven(ctx);
    const greeting = inputResponse(ctx.mcpReq.inputResponses, "greeting");
    const roots = inputResponse(ctx.mcpReq.inputResponses, "client_roots");
    if (given && greeting.kind === "sampling" && roots.kind === "roots") return text(`All three arrived from ${given.name}.`);
    return inputRequired({
      inputRequests: { user_name: askName(), greeting: askModel("Generate a greeting", 50), client_roots: inputRequired.listRoots() },
      requestState: await state.mint({ asked: "three" }),
    });
  });
  tool("multi_round", "Takes three rounds", async (ctx) => {
    const step = ctx.mcpReq.requestState()?.step;
    const colour = acceptedContent(ctx.mcpReq.inputResponses, "step2");
    if (step === 2 && colour) return text(`Thank you: ${colour.color}.`);
    if (step === 1 && acceptedContent(ctx.mcpReq.inputResponses, "step1")) {
      return inputRequired({
        inputRequests: { step2: form("Step 2: What is your favorite color?", { color: { type: "string" } }) },
        requestState: await state.mint({ step: 2 }),
      });
    }
    return inputRequired({
      inputRequests: { step1: form("Step 1: What is your name?", { name: { type: "string" } }) },
      requestState: await state.mint({ step: 1 }),
    });
  });
  tool("capabilities", "Asks only for what the client can do", (ctx) => {
    const declared = ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES] ?? {};
    const inputRequests = {};
    if (declared.sampling) inputRequests.greeting = askModel("Generate a greeting", 50);
    if (declared.elicitation) inputRequests.user_name = askName();
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : text("Nothing to ask with.");
  });
}

function addDiagnosticTools(server, notify) {
  const tool = (name, description, handler) => server.registerTool(name, { description }, handler);
  tool("test_missing_capability", "Needs a client that can sample", (ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, "greeting");
    if (answer.kind === "sampling") return text("The client can sample.");
    return inputRequired({ inputRequests: { greeting: askModel("Generate a greeting", 50) } });
  });
  tool("test_streaming_elicitation", "Reports progress, then answers", async (ctx) => {
    await reportProgress(ctx, [0, 50]);
    return text("Streamed.");
  });
  tool("test_logging_tool", "Logs once", async (ctx) => {
    await ctx.mcpReq.log("info", "A line of the log");
    return text("Logged.");
  });
  tool("test_trigger_tool_change", "Says that the tools changed", () => {
    notify.toolsChanged();
    return text("Told.");
  });
  tool("test_trigger_prompt_change", "Says that the prompts changed", () => {
    notify.promptsChanged();
    return text("Told.");
  });
}

function addResources(server) {
  server.registerResource(
    "static-text",
    "test://static-text",
    { description: "A text", mimeType: "text/plain" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "This is the content of the static text resource." }] }),
  );
  server.registerResource(
    "static-binary",
    "test://static-binary",
    { description: "An image", mimeType: "image/png" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "image/png", blob: PIXEL }] }),
  );
  server.registerResource(
    "watched-resource",
    "test://watched-resource",
    { description: "A resource to subscribe to", mimeType: "text/plain" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "Watched." }] }),
  );
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "A resource made from its address", mimeType: "application/json" },
    (uri, { id }) => ({
      contents: [
        { uri: uri.href, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) },
      ],
    }),
  );
  const subscribed = new Set();
  server.server.setRequestHandler("resources/subscribe", ({ params }) => (subscribed.add(params.uri), {}));
  server.server.setRequestHandler("resources/unsubscribe", ({ params }) => (subscribed.delete(params.uri), {}));
}

function addPrompts(server) {
  const message = (content) => ({ role: "user", content });
  const says = (value) => message({ type: "text", text: value });
  server.registerPrompt("test_simple_prompt", { description: "One line" }, () => ({
    messages: [says("This is a simple prompt for testing.")],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "Two arguments",
      argsSchema: z.object({ arg1: completable(z.string(), (typed) => ["paris", "park", "party"].filter((value) => value.startsWith(typed))), arg2: z.string() }),
    },
    ({ arg1, arg2 }) => ({ messages: [says(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "Embeds a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        message({ type: "resource", resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." } }),
        says("Please process the embedded resource above."),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "Embeds an image" }, () => ({
    messages: [message({ type: "image", data: PIXEL, mimeType: "image/png" }), says("Please analyze the image above.")],
  }));
  server.registerPrompt("test_input_required_result_prompt", { description: "Asks for its context first" }, (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, "user_context");
    if (given) return { messages: [says(`Context: ${given.context}`)] };
    return inputRequired({ inputRequests: { user_context: form("What context should the prompt use?", { context: { type: "string" } }) } });
  });
}
