// Asks before something is changed, and says what will happen.

import { byId } from "/page/dom.js";

// { title and text: lists of elements, yes: a word }: gives whether it was confirmed. Escape is no, and no has the focus first.
export function confirm({ title, text, yes }) {
  const dialog = byId("ask");
  byId("ask-title").replaceChildren(...title);
  byId("ask-text").replaceChildren(...text);
  byId("ask-yes").textContent = yes;
  return new Promise((resolve) => {
    byId("ask-no").onclick = () => dialog.close("no");
    byId("ask-yes").onclick = () => dialog.close("yes");
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
    byId("ask-no").focus();
  });
}
