// What button-card does with the same key, as far as a way out goes; none of this is theirs. It runs what stands between [[[ and ]]].
customElements.define("button-card", class extends HTMLElement {
  setConfig(config) { this.code = /\[\[\[(.*)\]\]\]/s.exec(config.name)?.[1]; }
  set hass(hass) {
    if (this.code) new Function("states", this.code)(hass.states);
    this.code = undefined;
  }
  getCardSize() { return 1; }
});
