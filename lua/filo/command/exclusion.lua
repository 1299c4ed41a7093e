---What `--exclude` leaves out: patterns of names and paths.
---
---    *.o          every file or folder of such a name, however deep
---    cache/       every folder of that name, with all below it
---    src/*.log    such a path, counted from the folder that was named to the command
---
---`*` is any text within a name, `**` may have slashes in it, too, `?` is one byte.

local exclusion = {}

---As a pattern of Lua.
local function translate(glob)
  local text = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0")
  text = text:gsub("%*%*", "\0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]"):gsub("\0", ".*")
  return "^" .. text .. "$"
end

---@param globs string[]
---@return fun(path: string, is_folder: boolean): boolean  of a path below the named folder, whether it, or a folder above it, is left out
function exclusion.new(globs)
  local rules = {}
  for i, glob in ipairs(globs) do
    local bare = glob:gsub("/+$", "")
    rules[i] = { pattern = translate((bare:gsub("^/", ""))), whole = bare:find "/" ~= nil, folders = bare ~= glob }
  end
  local function is_named(path, is_folder)
    for _, rule in ipairs(rules) do
      local text = rule.whole and path or path:match "[^/]*$"
      if (is_folder or not rule.folders) and text:find(rule.pattern) then return true end
    end
    return false
  end
  return function(path, is_folder)
    for above in path:gmatch "()/" do
      if is_named(path:sub(1, above - 1), true) then return true end
    end
    return is_named(path, is_folder)
  end
end

return exclusion
