---Lines in the log that a peer provokes: one of a kind from each in limits.report, and then how many there were; and in that time so many
---of all peers, limits.reports, since identities are to be had for nothing. So nobody can fill the log.

local format = require "filo.base.format"

---Gives report(level, who, kind, message); who: the peer's node ID, or "" when anybody could provoke the line.
---@param host filo.Host
return function(host)
  local recent, before, since = {}, {}, host.now() -- each line: when it was, how many were passed over since; older ones are forgotten
  local logged, left_out = 0, 0 -- lines since then

  local function begin_again(now)
    if left_out > 0 then
      local sentence = "%s that peers provoked left out, as there were more than %d in %g s"
      host.log("warning", sentence:format(format.count(left_out, "line", "lines"), host.limits.reports, host.limits.report))
    end
    recent, before, since, logged, left_out = {}, recent, now, 0, 0
  end

  return function(level, who, kind, message)
    local now, name = host.now(), who .. " " .. kind
    if now - since >= host.limits.report then begin_again(now) end
    local line = recent[name] or before[name]
    if line and now - line.at < host.limits.report then
      line.passed = line.passed + 1
      return
    end
    if logged >= host.limits.reports then
      left_out = left_out + 1
      return
    end
    local others = line and line.passed > 0 and (" (and %d more like it before)"):format(line.passed) or ""
    recent[name] = { at = now, passed = 0 }
    logged = logged + 1
    host.log(level, message .. others)
  end
end
