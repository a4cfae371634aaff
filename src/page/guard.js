(() => {
  const PAUSE = 500;
  let ready = false;
  let timer;
  const mark = () => {
    for (const button of document.querySelectorAll("button")) {
      if (ready) button.removeAttribute("aria-disabled");
      else button.setAttribute("aria-disabled", "true");
    }
  };
  const begin = () => {
    timer = setTimeout(() => {
      ready = true;
      mark();
    }, PAUSE);
  };
  const rest = () => {
    clearTimeout(timer);
    timer = undefined;
    ready = false;
    mark();
    if (document.hasFocus()) begin();
  };
  const hold = (event) => {
    if (ready || !(event.type === "submit" || event.target.closest("button"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    clearTimeout(timer); // a held key tries again and again: the pause begins after the last try
    begin();
  };
  for (const type of ["focus", "blur", "pageshow"]) addEventListener(type, rest);
  document.addEventListener("visibilitychange", rest);
  for (const type of ["click", "submit"]) addEventListener(type, hold, true);
  rest();
})();
