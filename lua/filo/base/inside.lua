---What Filo keeps behind what scripts hold. They have a table with its documented fields and calls; all else stays here: out of what they
---print, log or pass on, and safe from what they write into it.

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

return inside
