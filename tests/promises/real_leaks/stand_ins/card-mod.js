// What card-mod does with the same key, as far as a way out goes; none of this is theirs. It puts a style sheet into a card.
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
