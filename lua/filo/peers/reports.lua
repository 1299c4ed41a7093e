---Lines in the log that a peer provokes: one of a kind from each in limits.report, and then how many there were, so that nobody can fill
---the log.

---Gives report(level, who, kind, message); who: the peer's node ID, or "" when anybody could provoke the line.
---@param host filo.Host
return function(host)
  local recent, before, since = {}, {}, host.now() -- each line: when it was, and how many were passed over since; older ones are forgotten

  return function(level, who, kind, message)
    local now, name = host.now(), who .. " " .. kind
    if now - since >= host.limits.report then recent, before, since = {}, recent, now end
    local line = recent[name] or before[name]
    if line and now - line.at < host.limits.report then
      line.passed = line.passed + 1
      return
    end
    local others = line and line.passed > 0 and (" (and %d more like it before)"):format(line.passed) or ""
    recent[name] = { at = now, passed = 0 }
    host.log(level, message .. others)
  end
end
