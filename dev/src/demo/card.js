// The demo's own card: how many of the lights it was given are on. A custom element, as Home Assistant's frontend wants them.
class VestibuleLights extends HTMLElement {
  setConfig(config) {
    if (!Array.isArray(config.entities)) throw new Error("entities are missing");
    this.config = config;
  }
  set hass(hass) {
    const on = this.config.entities.filter((id) => hass.states[id]?.state === "on").length;
    if (!this.text) {
      const card = document.createElement("ha-card");
      this.text = document.createElement("div");
      this.text.style.padding = "16px";
      card.append(this.text);
      this.append(card);
    }
    this.text.textContent = `${on} of ${this.config.entities.length} on`;
  }
  getCardSize() {
    return 1;
  }
}
customElements.define("vestibule-lights", VestibuleLights);
