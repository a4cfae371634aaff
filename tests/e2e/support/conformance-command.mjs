// What the conformance suite starts for each scenario: it hands the mock server's address to the driver and ends as that does.
//
// Not here: anything that a client does (conformance-driver.mjs).

const [driver, url] = process.argv.slice(2);
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: revision, MCP_CONFORMANCE_CONTEXT: context = "{}" } = process.env;
const answer = await fetch(driver, { method: "POST", body: JSON.stringify({ scenario, revision, context: JSON.parse(context), url }) });
console.log(await answer.text());
process.exitCode = answer.ok ? 0 : 1;
