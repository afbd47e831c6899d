// A card that fetches what it is told, and every key that is an address.
customElements.define("leak-card", class extends HTMLElement {
  setConfig(config) {
    if (config.address) fetch(config.address.join(""));
    for (const key of Object.keys(config)) if (key.includes("//")) fetch(key);
  }
  set hass(_) { this.textContent = "leak-card"; }
  getCardSize() { return 1; }
});
