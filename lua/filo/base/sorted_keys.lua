---The keys of a table in order, since `pairs` goes over them in another one each time.
---@param t table
---@param before? fun(a: any, b: any): boolean  as for table.sort. Default: <
---@return any[]
return function(t, before)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end
