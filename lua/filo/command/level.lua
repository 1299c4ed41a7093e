---What is right below a prefix: objects, and folders of more.

local LONGEST = 4096 -- bytes of a key

---So many objects of one folder are gone over, before those that follow it are asked for: the rest of the first page that is.
local PASSED = 15

local function keys(node, prefix, after)
  if after and after < prefix then after = nil end -- the list would begin there
  return node:keys(prefix, nil, after and after:sub(1, LONGEST))
end

---Goes over them in the order of their bytes, for a `for` loop. What is right below begins with the prefix; a folder's name ends with the
---delimiter, an object's has none after the prefix.
---@param node filo.Node
---@param prefix string
---@param delimiter? string  nil: there are no folders
---@param after? string  names up to this one are passed over, and the folder that it is in
---@return fun(): string?, filo.KeyItem?, boolean?  name, the object or the first one in the folder, whether it is a folder
return function(node, prefix, delimiter, after)
  local function folder_of(key)
    local _, stop = nil, nil
    if delimiter and key:sub(1, #prefix) == prefix then _, stop = key:find(delimiter, #prefix + 1, true) end
    return stop and key:sub(1, stop)
  end
  local function keys_beyond(folder) return keys(node, prefix, folder .. ("\xff"):rep(LONGEST - #folder)) end

  local folder, passed = after and folder_of(after), 0
  local next_key = folder and keys_beyond(folder) or keys(node, prefix, after)
  return function()
    local item = next_key()
    while item and folder and item.key:sub(1, #folder) == folder do
      passed = passed + 1
      if passed == PASSED then next_key = keys_beyond(folder) end
      item = next_key()
    end
    if not item then return nil end
    folder, passed = folder_of(item.key), 0
    return folder or item.key, item, folder ~= nil
  end
end
