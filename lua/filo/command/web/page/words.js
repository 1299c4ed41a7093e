// Numbers, sizes and times, as the commands of filo write them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytes(count) {
  if (typeof count !== "number") return "?";
  let unit = 0;
  while (count >= 1024 && unit < UNITS.length - 1) { count /= 1024; unit++; }
  return `${unit === 0 || count >= 100 ? Math.floor(count) : count.toFixed(1)} ${UNITS[unit]}`;
}

export function number(count) { return typeof count === "number" ? count.toLocaleString("en-US") : "?"; }

export function count(n, one, many) { return `${number(n)} ${n === 1 ? one : many}`; }

// For how long.
export function lasting(seconds) {
  if (typeof seconds !== "number") return "?";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return count(Math.floor(seconds / 86400), "day", "days");
}

function two(n) { return String(n).padStart(2, "0"); }

// Seconds since 1970 as a date.
export function date(seconds) {
  const of = new Date(seconds * 1000);
  if (typeof seconds !== "number" || Number.isNaN(of.getTime())) return "?";
  return `${of.getFullYear()}-${two(of.getMonth() + 1)}-${two(of.getDate())} ${two(of.getHours())}:${two(of.getMinutes())}`;
}

export function clock(of) { return `${two(of.getHours())}:${two(of.getMinutes())}:${two(of.getSeconds())}`; }

export function short(id) { return String(id).slice(0, 16); }

// Reasons, with how many each concerns, the most first.
export function reasons(of) { return Object.entries(of ?? {}).sort((a, b) => b[1] - a[1]); }
