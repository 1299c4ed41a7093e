---Where to connect to, and who must be there: "host:port", or { address = "host:port", id = node ID }.

local EXPECTED = 'an address such as "127.0.0.1:3000", or { address = ..., id = ... }'

local target = { EXPECTED = EXPECTED }

function target.is_id(text) return type(text) == "string" and text:match "^%x+$" and #text == 64 end

local function check_table(given)
  for name in pairs(given) do
    if name ~= "address" and name ~= "id" then return ("unknown field '%s' in { address = ..., id = ... }"):format(tostring(name)) end
  end
  if type(given.address) ~= "string" then return "an address is missing in { address = ..., id = ... }" end
  if given.id ~= nil and not target.is_id(given.id) then
    return ("id must be a node ID of 64 hex digits, not '%s'"):format(tostring(given.id))
  end
end

---Reads what a script gave.
---@param given any
---@return {address: string, id?: string}? target, string? problem
function target.read(given)
  if type(given) == "string" then return { address = given } end
  if type(given) ~= "table" then return nil, EXPECTED .. " expected" end
  local problem = check_table(given)
  if problem then return nil, problem end
  return { address = given.address, id = given.id and given.id:lower() }
end

return target
