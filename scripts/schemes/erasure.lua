-- Erasure 2 + 1: content is cut into two halves, and a third part, their XOR, makes good any one that is lost. They lie at three members:
-- half as much again as the content, where two copies are twice as much. Under the key itself lies which parts they are.
--   filo sim scripts/schemes/erasure.lua --faults kill,wipe,rot
-- In node.lua: local scheme = dofile(... .. "/erasure.lua") return { policy = scheme.policy, start = scheme.start, listen = ":7171" }
-- By a script beside it that is run as `filo --attach ROOT read.lua KEY`: print(assert(dofile("erasure.lua").get(node, (...))))
-- put(node, key, content) and delete(node, key) go likewise; one at a time of each key.
local filo = require "filo"
local FIRST, PARTS, LOOK_EVERY = 201, 3, 600 -- the classes of parts are 201, 202 and 203
local function place(object, members, here) -- each part at another of three members, drawn for the owner; behind it those that have none
  local part, drawn = object.class - FIRST + 1, {}
  if part < 1 or part > PARTS then return filo.policy.copies(3).place(object, members, here) end
  for _, member in ipairs(members) do drawn[member.id] = filo.crypto.digest("sha256", object.namespace .. member.id) end
  table.sort(members, function(a, b) return drawn[a.id] < drawn[b.id] end)
  return table.move(members, PARTS + 1, #members, 2, { members[part] }), 1, #members < PARTS and "there are no three members" or nil
end
local function xor(a, b)
  local words = {}
  for at = 1, #a, 8 do words[#words + 1] = ("<i8"):pack(("<i8"):unpack(a, at) ~ ("<i8"):unpack(b, at)) end
  return table.concat(words)
end
local function name_of(key, fields, i) -- of two sets, written in turns: until the new one is whole, the old one counts
  return ("%s/%s.%d"):format(key, fields.set, (i - 1) % PARTS + 1)
end
local function read(node, key, fields, i) -- a part; the copy that reading it leaves here goes
  local object <close> = node:get(name_of(key, fields, i), { newest = true })
  local part = object and object.fields.stripe == fields.stripe and object:read "a"
  node:evict(name_of(key, fields, i))
  return part
end
local function make(node, key, fields, i) -- a part, of the other two
  local a, b = read(node, key, fields, i + 1), read(node, key, fields, i + 2)
  return a and b and xor(a, b)
end
local function write(node, key, fields, i, part, to)
  return node:store(name_of(key, fields, i), part, { class = FIRST + i - 1, fields = { stripe = fields.stripe }, to = to })
end
local function put(node, key, content)
  local before, half, parts = (node:stat(key) or {}).fields or {}, (#content + 15) // 16 * 8, { needed = PARTS - 1 }
  local fields = { set = before.set == "a" and "b" or "a", stripe = filo.crypto.hex(filo.crypto.random(8)), size = #content }
  content = content .. ("\0"):rep(2 * half - #content)
  for i, part in ipairs { content:sub(1, half), content:sub(half + 1), xor(content:sub(1, half), content:sub(half + 1)) } do
    parts[i], parts.problem = write(node, key, fields, i, part)
    if not parts[i] then return nil, parts.problem end
  end
  local index, err = node:store(key, "", { fields = fields })
  for i = 1, PARTS do node:evict(name_of(key, fields, i)) end
  return index and { index, parts }, err
end
local function get(node, key, options)
  local index <close>, err = node:get(key, options)
  if not index then return nil, err end
  local a = read(node, key, index.fields, 1) or make(node, key, index.fields, 1)
  local b = a and (read(node, key, index.fields, 2) or make(node, key, index.fields, 2))
  if b then return (a .. b):sub(1, index.fields.size) end
  return nil, filo.error("unreachable", ("two of the three parts of '%s' are out of reach"):format(key))
end
local function delete(node, key)
  local receipt, err = node:delete(key)
  for i = 1, receipt and 2 * PARTS or 0 do node:delete(name_of(key, { set = i > PARTS and "a" or "b" }, i)) end
  return receipt, err
end
local function free_peer(node, key, fields, i) -- one that has none of the other parts
  local taken = {}
  for other = i + 1, i + 2 do
    for _, copy in ipairs(node:copies(name_of(key, fields, other))) do taken[copy.node] = copy.version ~= nil or taken[copy.node] end
  end
  for _, peer in ipairs(node:peers()) do if not taken[peer.id] then return peer end end
end
local function mend(node) -- makes parts that nobody has any more
  for item in node:list() do
    local key, fields = item.key, item.fields or {}
    for i = 1, fields.set and PARTS or 0 do
      local to = not node:has(name_of(key, fields, i)) and free_peer(node, key, fields, i)
      local part = to and make(node, key, fields, i)
      if part and write(node, key, fields, i, part, to) then node:evict(name_of(key, fields, i)) end
    end
  end
end
local function start(node) filo.every(LOOK_EVERY, mend, node) end
return { policy = { name = "two halves and their parity", place = place }, start = start, put = put, get = get, delete = delete }
