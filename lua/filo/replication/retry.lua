---Trying again while a peer is busy.

local new_backoff = require "filo.host.backoff"

---Calls fn(...) until it no longer says that the peer is busy, with growing, random pauses; limits.busy_tries times at most.
---@param host filo.Host
---@param fn fun(...): any, filo.Error?
---@return any, filo.Error?
return function(host, fn, ...)
  local limits = host.limits
  local backoff = new_backoff(host, limits.busy_pause)
  for _ = 2, limits.busy_tries do
    local result, err = fn(...)
    if result or err.code ~= "busy" then return result, err end
    backoff:wait()
  end
  return fn(...)
end
