---`local _ <close> = at_end(fn)`: calls fn(err) at the end of the scope, however that comes; err is what ended it, if it was an error.

local metatable = { __close = function(self, err) self.fn(err) end }

---@param fn fun(err: any)
---@return table
return function(fn) return setmetatable({ fn = fn }, metatable) end
