// What many findings say alike: who acts, who breaks, and where rules are written.
//
// Not here: the findings.

export const ALL = ["all"];
export const CLOUD = ["claude", "chatgpt"];
export const SDK = ["claude-code", "cursor", "inspector", "mcp-remote"];
export const BROWSERS = ["inspector"];

export const operator = { weight: "fault", who: "operator", breaks: ALL };
export const server = { weight: "fault", who: "server", breaks: ALL };
export const network = { weight: "fault", who: "network", breaks: ALL };

export const MCP = "MCP 2025-11-25";
export const MODERN = "MCP 2026-07-28";
export const CLAUDE = "claude.com/docs/connectors/building/troubleshooting";
