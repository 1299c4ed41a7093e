// Asks before something is changed, and says what will happen.

import { byId } from "/page/dom.js";

// { title and text: lists of elements, yes: a word }: gives whether it was confirmed. Escape is no, and no has the focus first.
export function confirm({ title, text, yes }) {
  const dialog = byId("ask"), before = document.activeElement?.dataset.id;
  byId("ask-title").replaceChildren(...title);
  byId("ask-text").replaceChildren(...text);
  byId("ask-yes").textContent = yes;
  return new Promise((resolve) => {
    byId("ask-no").onclick = () => dialog.close("no");
    byId("ask-yes").onclick = () => dialog.close("yes");
    dialog.returnValue = "no";
    dialog.onclose = () => {
      // What opened it may have been drawn anew meanwhile.
      if (before) document.querySelector(`[data-id="${CSS.escape(before)}"]`)?.focus();
      resolve(dialog.returnValue === "yes");
    };
    dialog.showModal();
    byId("ask-no").focus();
  });
}
