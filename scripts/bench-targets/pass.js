// The limit of the platform: every request goes to the upstream as it is, and so does its answer.
export default {
  fetch(request, env) {
    return fetch(env.UPSTREAM, request);
  },
};
