// The page of a node: asks it how it is, now and then and when something happens, and shows that.

import { get, post } from "/page/ask.js";
import { begin_find, list_again, show_short } from "/page/copies.js";
import { byId, shown } from "/page/dom.js";
import { called, show_members } from "/page/members.js";
import { listen } from "/page/news.js";
import { begin_plan, drop_plan, is_under_way, show_applied } from "/page/plan.js";
import { show_glance, show_moving, show_stores, show_upkeep } from "/page/stores.js";
import { short } from "/page/words.js";

const OFTEN = 2000, SELDOM = 10000, AT_LEAST = 700;

let timer, due = Infinity, busy = false, again = false, ended = false, names_changed = false, listens = false, stop_listening = () => {};

function trouble(text) {
  byId("trouble").hidden = !text;
  byId("trouble").textContent = text ? shown(text, 600) : "";
}

function live(kind, text) {
  const place = byId("live");
  if (place.textContent === text) return;
  place.className = `pill ${kind}`;
  place.textContent = text;
}

function show_live() { if (listens) live("good", "live"); else live("warn", "asks now and then"); }

function show_title(status) {
  const title = status.name ? shown(status.name, 60) : `node ${short(status.id)}`;
  document.title = `${title} – Filo`;
  byId("title").textContent = title;
  byId("about").textContent = `node ${short(status.id)}, namespace ${short(status.namespace)}`;
}

// The session is over: nothing more is asked for.
function end(text) {
  ended = true;
  clearTimeout(timer);
  stop_listening();
  live("bad", "ended");
  trouble(text);
}

// Has all asked for by then, or before: much that happens does not put it off.
function soon(milliseconds) {
  const at = performance.now() + milliseconds;
  if (ended || at >= due) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(() => {
    due = Infinity;
    refresh();
  }, milliseconds);
}

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  let pause = SELDOM;
  try {
    const [status, members, usage] = await Promise.all([get("status"), get("members"), get("usage")]);
    if (ended) return;
    show_title(status);
    show_glance(status);
    show_members(status, members, change);
    show_short(status);
    show_moving(status);
    show_applied(status.applied, change);
    show_stores(status, usage);
    show_upkeep(status);
    trouble();
    show_live();
    if (names_changed) list_again();
    names_changed = false;
    if (status.moving.length > 0 || is_under_way(status.applied)) pause = OFTEN;
  } catch (err) {
    if (err.status === 401 || err.status === 403) return end(err.message);
    live("bad", "no answer");
    trouble(err.message);
  } finally {
    busy = false;
    soon(again ? AT_LEAST : document.hidden ? 6 * SELDOM : pause);
  }
}

// Runs a change that was confirmed, and shows what has come of it.
async function change(fn) {
  try {
    await fn();
    drop_plan(change);
    await refresh();
  } catch (err) {
    trouble(err.message);
    byId("main").focus();
  }
}

function changed(what) {
  names_changed ||= what === "stored" || what === "deleted";
  soon(AT_LEAST);
}

byId("leave").addEventListener("click", async () => {
  await post("leave", {}).catch(() => {});
  end("This session has ended: 'filo open' opens another one.");
});
document.addEventListener("visibilitychange", () => document.hidden || soon(0));
stop_listening = listen(changed, (is_live) => {
  listens = is_live;
  if (!ended) show_live();
});
begin_plan(change, (id) => called(id).textContent);
begin_find();
refresh();
