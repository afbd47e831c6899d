// What third parties' extensions do with the same keys, as far as a way out goes: none of this is theirs, and it does no more than that.

// A card that fetches what it is told, and every key that is an address.
customElements.define("leak-card", class extends HTMLElement {
  setConfig(config) {
    if (config.address) fetch(config.address.join(""));
    for (const key of Object.keys(config)) if (key.includes("//")) fetch(key);
  }
  set hass(_) { this.textContent = "leak-card"; }
  getCardSize() { return 1; }
});

// button-card runs what stands between [[[ and ]]].
customElements.define("button-card", class extends HTMLElement {
  setConfig(config) { this.code = /\[\[\[(.*)\]\]\]/s.exec(config.name)?.[1]; }
  set hass(hass) {
    if (this.code) new Function("states", this.code)(hass.states);
    this.code = undefined;
  }
  getCardSize() { return 1; }
});

// card-mod puts a style sheet into a card.
customElements.whenDefined("hui-markdown-card").then((Card) => {
  const setConfig = Card.prototype.setConfig;
  Card.prototype.setConfig = function (config) {
    setConfig.call(this, config);
    if (!config.card_mod) return;
    const style = document.createElement("style");
    style.textContent = config.card_mod.style;
    this.updateComplete.then(() => this.shadowRoot.append(style));
  };
});
