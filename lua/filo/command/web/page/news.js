// What happens, as the node tells it. What a person should hear of is said to screen readers, too.

import { byId, el, name } from "/page/dom.js";
import { called } from "/page/members.js";
import { bytes, clock, count, number } from "/page/words.js";

const MOST = 40;

const TELL = {
  stored: (of) => ["stored ", name(of.key, 80), `, ${bytes(of.size)}`],
  copied: (of) => ["a copy of ", name(of.key, 80), " is at ", called(of.peer)],
  deleted: (of) => ["deleted ", name(of.key, 80)],
  accepted: (of) => [of.deletion ? "took a deletion from " : `took a copy of ${bytes(of.size)} from `, called(of.peer)],
  conflict: (of) => ["two versions of ", name(of.key, 80), " were written at once: the other is ", name(of.kept, 120)],
  peer_up: (of) => [called(of.peer), " is connected"],
  peer_down: (of) => [called(of.peer), " is gone: ", name(of.error?.message ?? "", 160)],
  member_away: (of) => [called(of.member), " is away"],
  member_back: (of) => [called(of.member), " is back"],
  missing: (of) => [`${count(of.short, "object has", "objects have")} too few copies, ${count(of.made, "copy was", "copies were")} made`],
  repaired: (of) => [`a copy of ${bytes(of.size)} was made at `, called(of.peer)],
  dropped: (of) => [`a copy of ${bytes(of.size)} was dropped`],
  corrupt: (of) => ["a copy ", of.key ? ["of ", name(of.key, 80), " "] : "", "was found bad: ", name(of.error?.message ?? "", 200)],
  scrubbed: (of) => [`all was read again: ${count(of.objects, "object", "objects")}, ${number(of.bad)} bad`],
  quota: (of) => [`refused ${bytes(of.size)}: a quota is full`],
};

// Of the others there may be many.
const SAID = new Set(["member_away", "member_back", "missing", "corrupt", "conflict", "quota"]);

function add(what, of) {
  const line = el("li", {}, el("time", { class: "dim" }, clock(new Date())), " ", el("span", {}, TELL[what](of)));
  const list = byId("news-list");
  list.prepend(line);
  while (list.children.length > MOST) list.lastChild.remove();
  if (SAID.has(what)) byId("news-told").textContent = line.lastChild.textContent;
}

// Listens; changed(what) is called for each. Gives what ends it.
export function listen(changed, state) {
  const source = new EventSource("/events");
  source.onopen = () => state(true);
  source.onerror = () => state(false);
  for (const what of Object.keys(TELL)) {
    source.addEventListener(what, (event) => {
      add(what, JSON.parse(event.data));
      changed(what);
    });
  }
  return () => source.close();
}
