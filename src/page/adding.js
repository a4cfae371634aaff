(() => {
  const all = (selector) => document.querySelectorAll(selector);

  for (const button of navigator.clipboard ? all("button.copy") : []) {
    const [word, label] = [button.textContent, button.getAttribute("aria-label")];
    const say = (said, name) => {
      button.textContent = said;
      button.setAttribute("aria-label", name);
    };
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await navigator.clipboard.writeText(button.previousElementSibling.textContent).then(
        () => "Copied",
        () => "Not copied",
      );
      say(done, done);
      setTimeout(() => say(word, label), 2000);
    });
  }

  const filter = document.querySelector(".filter");
  const field = filter?.querySelector("input");
  const none = document.querySelector(".nothing-found");
  const find = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const server of all(".server[id]")) {
      const text = server.querySelector(".heading").textContent.toLowerCase() + server.id;
      server.hidden = !words.every((word) => text.includes(word));
      if (!server.hidden) found += 1;
    }
    none.hidden = found > 0;
  };
  if (filter) {
    filter.hidden = false;
    field.addEventListener("input", find);
    find();
  }

  const open = () => {
    const named = location.hash && document.getElementById(location.hash.slice(1));
    if (named instanceof HTMLDetailsElement) named.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
