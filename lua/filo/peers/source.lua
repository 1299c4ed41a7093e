---Where connections come from, and where most of some do: identities cost nothing, addresses cost something.

local source = {}

---The address of a connection's far end without the port; of IPv6 the half that names a network, since the rest is anybody's choice.
---@param address string  as connection:remote() gives it
---@return string
function source.of(address)
  local version_4 = address:match "%d+%.%d+%.%d+%.%d+"
  if version_4 then return version_4 end
  local groups = {}
  for group in (address:match "^%[?(.-)::" or address):gmatch "%x+" do
    if #groups < 4 then groups[#groups + 1] = group end
  end
  return table.concat(groups, ":")
end

---Those of a list that come from where most of them do, in its order.
---@generic T
---@param list T[]
---@param of fun(each: T): string  where one comes from
---@return T[]
function source.heaviest(list, of)
  local by_source, most = {}, {}
  for _, each in ipairs(list) do
    local name = of(each)
    local same = by_source[name] or {}
    by_source[name] = same
    same[#same + 1] = each
    if #same > #most then most = same end
  end
  return most
end

---One of a list, by chance: what can be foreseen can be used.
---@generic T
---@param host filo.Host
---@param list T[]  not empty
---@return T
function source.any(host, list) return list[string.unpack("<I4", host.random(4)) % #list + 1] end

return source
