---A namespace as scripts see it: the objects in it, with the calls that a node has for those of its own.

local inside = require "filo.base.inside"

---Objects that one person, or several, name and read together. Its calls are those of a node: `store`, `amend`, `get`, `fetch`, `stat`,
---`has`, `list`, `keys`, `versions`, `delete`, `undelete`, `replicate`, `evict`, `withdraw`, `verify`, `copies`, `placement`, `held_by`,
---`key_hash`, `share`, `rotate`, `rotation`, `readers`, `forget_reader`.
---@class filo.Namespace
---@field id string  namespace ID, 64 hex digits
---@field name string  what it is called here
---@field access "read-one"|"read"|"write"  what can be done with it here
local Namespace = { __name = "filo.Namespace" }

inside.seal(Namespace, "a namespace", { "id", "name", "access" })

function Namespace:__tostring() return "namespace " .. self.id:sub(1, 16) end

local CALLS = {
  "store", "amend", "get", "fetch", "stat", "has", "list", "keys", "versions", "delete", "undelete", "replicate", "evict", "withdraw",
  "verify", "copies", "placement", "held_by", "key_hash", "path_of", "share", "rotate", "rotation", "readers", "forget_reader",
}

---Takes the calls from the class of nodes: they are about what is behind the face, in either.
---@param Node table
local function take_calls(Node)
  for _, name in ipairs(CALLS) do Namespace[name] = Node[name] end
end

---@param parts table  what serves the namespace; all else is the node's
---@return filo.Namespace
local function face(parts) return inside.keep(setmetatable({}, Namespace), parts) end

return { take_calls = take_calls, face = face }
