---Which of an order should hold a copy: those that have one, wherever they stand, and then others to make it up.

---@generic T
---@param order T[]
---@param wanted integer  how many
---@param holds fun(each: T): boolean
---@return T[] held, T[] missing  `wanted` together, or as many as there are
return function(order, wanted, holds)
  local held, missing = {}, {}
  for _, each in ipairs(order) do
    if #held < wanted and holds(each) then held[#held + 1] = each end
  end
  for _, each in ipairs(order) do
    if #held + #missing >= wanted then break end
    if not holds(each) then missing[#missing + 1] = each end
  end
  return held, missing
end
