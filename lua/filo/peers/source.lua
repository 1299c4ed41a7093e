---Where connections come from, and where most of some do: identities cost nothing, addresses cost something.

local source = {}

local function groups_of(text)
  local groups = {}
  for group in text:gmatch "%x+" do groups[#groups + 1] = group end
  return groups
end

---The half of an address of IPv6 that names a network, since the rest is anybody's choice: its first four groups.
local function network_of(address)
  local before, after = address:match "^(.-)::(.*)$"
  local groups = groups_of(before or address)
  local last = groups_of(after or "")
  for _ = 1, before and 8 - #groups - #last or 0 do groups[#groups + 1] = "0" end
  table.move(last, 1, #last, #groups + 1, groups)
  return table.concat(groups, ":", 1, math.min(#groups, 4))
end

---The address of a connection's far end without the port; of IPv6 the network.
---@param address string  as connection:remote() gives it
---@return string
function source.of(address)
  return address:match "%d+%.%d+%.%d+%.%d+" or network_of(address:match "^%[([%x:]*)" or address)
end

---Those of a list that come from where most of them do, in its order: from several places, if as many come from each.
---@generic T
---@param list T[]
---@param of fun(each: T): string  where one comes from
---@return T[]
function source.heaviest(list, of)
  local count, most = {}, 0
  for _, each in ipairs(list) do
    local name = of(each)
    count[name] = (count[name] or 0) + 1
    most = math.max(most, count[name])
  end
  local heaviest = {}
  for _, each in ipairs(list) do
    if count[of(each)] == most then heaviest[#heaviest + 1] = each end
  end
  return heaviest
end

---One of a list, by chance: what can be foreseen can be used.
---@generic T
---@param host filo.Host
---@param list T[]  not empty
---@return T
function source.any(host, list) return list[string.unpack("<I4", host.random(4)) % #list + 1] end

return source
