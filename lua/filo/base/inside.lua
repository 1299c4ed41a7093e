---What Filo keeps behind what scripts hold. They have a table with its documented fields and calls; all else stays here: out of what they
---print, log or pass on, and safe from what they write into it.

local copy = require "filo.base.copy"

local kept = setmetatable({}, { __mode = "k" }) -- face -> what is behind it

local inside = {}

---@generic T
---@param face T  what scripts get
---@param behind table
---@return T face
function inside.keep(face, behind)
  kept[face] = behind
  return face
end

---What is behind a face; nil: the value is none.
---@param face any
---@return any
function inside.of(face) return kept[face] end

local sealed = {} -- class -> the names of the fields of its faces

---What a face that can only be read has: its fields, and its class; nil: the value is none.
---@param face any
---@return table? fields
---@return table? class
function inside.members(face)
  local class = kept[face] and getmetatable(face)
  if not sealed[class] then return nil end
  local fields = {}
  for _, name in ipairs(sealed[class]) do fields[name] = copy(kept[face][name]) end
  return fields, class
end

---Makes faces of a kind views that can only be read: empty tables, whose fields are those of what is behind, as they are then, and of
---tables copies.
---@param class table  the methods; their metatable, too
---@param what string  "a node": for messages
---@param fields string[]
function inside.seal(class, what, fields)
  local shown = {}
  sealed[class] = fields
  for _, name in ipairs(fields) do shown[name] = true end
  function class.__index(face, name)
    if shown[name] then return copy(kept[face][name]) end
    return class[name]
  end
  function class.__newindex(_, name)
    error(("%s can only be read: its field '%s' cannot be set"):format(what, tostring(name)), 2)
  end
  function class.__pairs(face) return next, (inside.members(face)), nil end
end

return inside
