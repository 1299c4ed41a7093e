---Whether a host is this machine, and reached by nobody else.

---@param host string  numeric, without brackets; or a name
---@return boolean
return function(host) return host == "localhost" or host == "::1" or host:find "^127%." ~= nil end
