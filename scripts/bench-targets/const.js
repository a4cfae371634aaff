// A constant 401: what any Worker that answers by itself costs.
const challenge = 'Bearer resource_metadata="http://localhost:8787/.well-known/oauth-protected-resource/v1/mcp/bench", scope="mcp:tools"';

export default {
  fetch() {
    return new Response('{"error":"invalid_token"}', {
      status: 401,
      headers: { "content-type": "application/json", "www-authenticate": challenge },
    });
  },
};
