// Keeps the status fresh, says when a deployment has come further, and shows times in the reader's own zone. Everything works without it.
(() => {
  "use strict";
  const EVERY = 5000;
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!Number.isNaN(date.getTime())) {
        time.textContent = date.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
      }
    }
  };
  local(document);
  const live = document.getElementById("live");
  if (!live) return;
  // A part that begins empty is shown as soon as there is something to show.
  let before = "empty" in live.dataset ? "" : null;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.from, { headers: { "Accept": "text/html" } });
      if (!answer.ok) return;
      const text = (await answer.text()).trim();
      if (before !== null && text !== before) {
        const fresh = new DOMParser().parseFromString(text, "text/html").body;
        local(fresh);
        live.replaceChildren(...fresh.childNodes);
      }
      before = text;
    } catch {
      // Home Assistant or we restart: the next look will tell.
    }
  };
  look();
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
})();
