---Trying again while a peer is busy.

---Calls fn(...) until it no longer says that the peer is busy, with growing, random pauses; limits.busy_tries times at most.
---@param host filo.Host
---@param fn fun(...): any, filo.Error?
---@return any, filo.Error?
return function(host, fn, ...)
  local limits = host.limits
  local pause = limits.busy_pause
  for _ = 2, limits.busy_tries do
    local result, err = fn(...)
    if result or err.code ~= "busy" then return result, err end
    host.sleep(pause * (0.5 + host.random(1):byte() / 256))
    pause = pause * 2
  end
  return fn(...)
end
