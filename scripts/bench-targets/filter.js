// The least that a filtered list costs in hand-written code: parses it, filters it, writes it anew, and checks nothing else.
const shown = ({ name }) => /^tool_\d*[02468]$/.test(name);

function filtered(json) {
  const message = JSON.parse(json);
  message.result.tools = message.result.tools.filter(shown);
  return JSON.stringify(message);
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const answer = await fetch(env.UPSTREAM + pathname.slice(pathname.lastIndexOf("/")), request);
    const text = await answer.text();
    const headers = { "content-type": answer.headers.get("content-type") };
    if (headers["content-type"] === "application/json") return new Response(filtered(text), { headers });
    return new Response(text.replace(/^data: (.*)$/gm, (_, data) => `data: ${filtered(data)}`), { headers });
  },
};
