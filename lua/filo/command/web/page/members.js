// Who is a member, where, since when; and what may become of one.

import { post } from "/page/ask.js";
import { confirm } from "/page/confirm.js";
import { brief, el, name, pill, show, table } from "/page/dom.js";
import { bytes, count, lasting, short } from "/page/words.js";

const names = new Map();

// What a node is called, as far as that is known.
export function called(id, most = 40) {
  const text = names.get(id);
  return text ? name(text, most) : el("code", {}, short(id));
}

function note(id, text) { if (typeof text === "string" && text !== "") names.set(id, text); }

function text(value) { return typeof value === "string" && value !== "" ? value : undefined; }

function who(id, title, note) {
  return el("div", { class: "who" }, title ? name(title, 80) : el("span", { class: "dim" }, "without a name"),
    el("code", { class: "dim", title: id }, short(id)), note && el("span", { class: "dim" }, note));
}

function state(member) {
  const kind = { up: "good", away: "bad", draining: "warn", guest: "calm" }[member.state] ?? "calm";
  const word = member.state === "up" ? "connected" : member.state;
  const since = typeof member.since === "number" ? lasting(member.since) : "";
  const left = member.left === undefined ? "" : `, ${count(member.left, "copy", "copies")} left`;
  const more = member.state === "draining" ? `${member.connected ? "connected" : "away"} ${since}${left}` : since;
  const why = !member.connected && member.why && el("div", { class: "dim why" }, name(member.why, 200));
  return [pill(kind, word), " ", el("span", {}, more), why];
}

function empty(member) {
  return member.state === "draining" && member.left === 0 ? "It is empty: it may be switched off." : undefined;
}

const CHANGES = {
  drain: {
    title: "Drain", yes: "Drain this member",
    text: "It is given nothing more. Others get copies of what it has, and it drops its own once these have proved theirs. "
      + "When none is left it may be switched off. This can be undone.",
  },
  undrain: { title: "Keep", yes: "Keep this member", text: "It is a member like all others again, and is given copies." },
  forget: {
    title: "Remove", yes: "Remove this member",
    text: "It is let in nowhere any more, and nobody waits for it: copies that it has count no longer, and are made elsewhere. "
      + "It still knows the cluster secret. One that is to go and is still there is to be drained first. "
      + "'filo forget --undo', with its ID, lets it in again.",
  },
};

function changer(member, what, after) {
  const change = CHANGES[what];
  return el("button", {
    type: "button", class: what === "forget" ? "quiet danger" : "quiet", "data-id": `${what}-${member.id}`,
    "aria-label": `${change.title} ${member.name ?? short(member.id)}…`,
    click: async () => {
      const sure = await confirm({
        title: [`${change.title} `, called(member.id), "?"], yes: change.yes,
        text: [el("p", {}, who(member.id, text(member.name))), el("p", {}, change.text)],
      });
      if (sure) after(() => post(what === "forget" ? "forget" : "drain", { id: member.id, undo: what === "undrain" }));
    },
  }, `${change.title}…`);
}

// One that is away has nothing to give.
function changes_of(member) {
  if (member.state === "draining") return ["undrain", "forget"];
  return member.connected ? ["drain", "forget"] : ["forget"];
}

function row(member, after) {
  const is_member = member.state !== "guest";
  return [
    who(member.id, text(member.name) ?? text(member.about?.name)),
    brief(member.about?.zone),
    member.address ? brief(member.address, 56) : el("span", { class: "dim" }, "not told"),
    [state(member), empty(member) && el("div", {}, empty(member))],
    member.free === undefined ? "" : bytes(member.free),
    member.rtt === undefined ? "" : `${(member.rtt * 1000).toFixed(1)} ms`,
    is_member ? el("div", { class: "buttons" }, changes_of(member).map((what) => changer(member, what, after))) : "",
  ];
}

// after(fn): runs a change, tells of it, and asks for all again.
export function show_members(status, members, after) {
  note(status.id, status.name ?? "this node");
  for (const member of members) note(member.id, text(member.name) ?? text(member.about?.name));
  const own = [
    who(status.id, text(status.name), "this node"), brief(status.about?.zone),
    status.address ? brief(status.address, 56) : el("span", { class: "dim" }, "does not listen"),
    [pill("calm", "here"), " ", lasting(status.uptime)], status.free === undefined ? "" : bytes(status.free), "", "",
  ];
  const columns = [
    { title: "Member" }, { title: "Zone" }, { title: "Address" }, { title: "State" }, { title: "Free", number: true },
    { title: "Answers in", number: true }, { title: "Change", hidden: true },
  ];
  show("members-list", table("Members", columns, [own, ...members.map((member) => row(member, after))]));
}
