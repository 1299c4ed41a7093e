---Schemes of scripts/schemes on nodes of their own, as their node.lua would use them.
---
---    local list = schemes.cluster(net, "chain", 4)     -- list[i].node, list[i].scheme, list[i].prints
---    schemes.with(list, i, "put", key, content)         -- what a script beside the node calls

local filo = require "filo"
local nodes = require "spec.support.nodes"

local schemes = {}

---What a file gives, with a print of its own, and other globals in the place of Lua's. edit: what is to be changed in it, by its text.
---@return table scheme, string[] prints
function schemes.load(name, globals, edit)
  local prints = {}
  local function note(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    table.insert(prints, table.concat(texts, " "))
  end
  local env = setmetatable({ print = note }, { __index = _G })
  for global, value in pairs(globals or {}) do env[global] = value end
  local path = ("scripts/schemes/%s.lua"):format(name)
  local file <close> = assert(io.open(path))
  local text = file:read "a"
  for before, after in pairs(edit or {}) do text = text:gsub(before, after) end
  return assert(load(text, "@" .. path, "t", env))(), prints
end

---Nodes "a", "b", "c" ... that all run a scheme. given: options of all; each: of one, by its name.
function schemes.cluster(net, name, count, given, each, globals)
  local list, options = {}, {}
  for i = 1, count do
    local scheme, prints = schemes.load(name, globals)
    list[i] = { scheme = scheme, prints = prints }
    local letter = string.char(96 + i)
    options[letter] = { policy = scheme.policy }
    for option, value in pairs(given or {}) do options[letter][option] = value end
    for option, value in pairs(each and each[letter] or {}) do options[letter][option] = value end
  end
  local made = table.pack(nodes.cluster(net, count, nil, options))
  for i, node in ipairs(made) do
    list[i].node = node
    if list[i].scheme.start then
      node:spawn(function()
        list[i].scheme.start(node)
        filo.channel():receive() -- what it has started lives on
      end)
    end
  end
  for _, node in ipairs(made) do nodes.peers(node, count - 1) end
  return list
end

---The content that a scheme's get gives; nil, err.
function schemes.content(object, err)
  if not object or type(object) == "string" then return object, err end
  local _ <close> = object
  return object:read "a"
end

---Which of the nodes have a copy of an object of a node's, by their positions.
function schemes.holders(list, owner, key)
  local found = {}
  for i, each in ipairs(list) do
    if each.node and nodes.exists(nodes.place(owner, each.node, key)) then found[#found + 1] = i end
  end
  return found
end

return schemes
