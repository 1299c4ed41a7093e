// Asks the node. What fails is an error whose message is a sentence of the node's.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options, headers: { "X-Filo": "1", Accept: "application/json" }, cache: "no-store", redirect: "error",
    });
  } catch {
    throw new Refused(0, "the node does not answer: it may have ended");
  }
  if (!answer.ok) throw new Refused(answer.status, (await answer.text()).trim() || `the node answered ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

export function get(what, query) { return ask(`/api/${what}${query ? `?${new URLSearchParams(query)}` : ""}`); }

export function post(what, asked) { return ask(`/api/${what}`, { method: "POST", body: JSON.stringify(asked) }); }
