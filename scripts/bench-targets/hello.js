// What a cold isolate costs when there is nothing in it.
export default {
  fetch() {
    return new Response("hello");
  },
};
