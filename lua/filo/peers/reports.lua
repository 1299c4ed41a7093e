---Lines in the log that a peer provokes: one of a kind from each in limits.report, so that nobody can fill the log.

---Gives report(level, who, kind, message); who: the peer's node ID, or "" when anybody could provoke the line.
return function(host)
  local recent, before, since = {}, {}, host.now() -- when each line was; what is older than two whiles is forgotten

  return function(level, who, kind, message)
    local now, line = host.now(), who .. " " .. kind
    if now - since >= host.limits.report then recent, before, since = {}, recent, now end
    local at = recent[line] or before[line]
    if at and now - at < host.limits.report then return end
    recent[line] = now
    host.log(level, message)
  end
end
