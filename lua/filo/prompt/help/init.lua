---`help` of the prompt: what the annotations say of a function, an object or a name, as plain text. Of a script's own functions, too.

local commands = require "filo.prompt.help.commands"
local errors = require "filo.base.errors"
local filo = require "filo"
local index = require "filo.prompt.help.index"
local inside = require "filo.base.inside"
local page = require "filo.prompt.help.page"

local OVERVIEW = [[
Type Lua. The values of an expression are shown; an unfinished line goes on at
the next prompt. Nodes and tasks go on while you type and while a call waits.

  node = filo.node { root = "data", listen = "127.0.0.1:3000" }
  node:store("greeting", "hello")
  node:get("greeting"):read "a"
  node:connect "127.0.0.1:4000"
  node:on("peer_up", print)

help(filo) and help(node) list what there is; help(node.store) and help store
tell more of one, help options what a node can be given, help put what a
command is for.

Tab completes names, and keys of objects in node:get ". Up and Ctrl-R find
earlier lines. What is pasted is one line, however many it has. Ctrl-C drops a
line, ends a wait or interrupts a computation. Ctrl-D, exit and quit leave: all
nodes are closed.]]

-- Names -----------------------------------------------------------------------------------------------------------------

local function name_among(members, prefix, value)
  for name, member in pairs(members) do
    if rawequal(member, value) then return prefix .. tostring(name) end
  end
end

---The name of a value in a table or in one of its tables.
local function name_below(root, prefix, value)
  local found = name_among(root, prefix, value)
  for name, members in pairs(root) do
    if found then return found end
    if type(members) == "table" and type(name) == "string" then found = name_among(members, prefix .. name .. ".", value) end
  end
  return found
end

---As scripts would call it.
local function shown_name(found, documented)
  if found.separator ~= ":" then return found.owner .. found.separator .. found.name end
  local class = index.class_of(found, documented)
  return (class and index.usual_name(class.class) or found.owner) .. ":" .. found.name
end

-- Pages -----------------------------------------------------------------------------------------------------------------

---A row of a parameter, a field or a returned value.
local function row(label, value)
  return { label = label, text = value.type .. (value.words ~= "" and ": " or "") .. value.words }
end

local function field_rows(fields)
  local rows = {}
  for i, field in ipairs(fields) do rows[i] = row(field.name, field) end
  return rows
end

local function join(parts)
  local list = {}
  for _, part in ipairs(parts) do
    if part ~= "" then list[#list + 1] = part end
  end
  return table.concat(list, "\n\n")
end

---What the parameters that are tables of options may hold.
local function option_pages(params)
  local list = {}
  for _, param in ipairs(params) do
    local class = param.type:find "^filo%.%a*Options" and index.of_class(param.type:match "^[%w.]+")
    if class then list[#list + 1] = param.name .. ":\n" .. page.rows(field_rows(class.fields)) end
  end
  return table.concat(list, "\n\n")
end

local function annotation_page(name, found)
  local rows = field_rows(found.params)
  for _, value in ipairs(found.returns) do rows[#rows + 1] = row("returns", value) end
  return join { name .. found.arguments, page.paragraphs(found.words), page.rows(rows), option_pages(found.params) }
end

local function function_page(fn)
  local name = name_below(filo, "filo.", fn)
  local found, documented = index.of_function(fn)
  if found then
    name = name or found.name ~= "" and shown_name(found, documented) or "function"
    return annotation_page(name, found)
  end
  name = name_below(package.loaded._G, "", fn)
  if name then return name .. " is Lua's own: https://www.lua.org/manual/5.4/#index" end
  return "Nothing is known of this function."
end

local function class_page(class, documented)
  local name = index.usual_name(class.class)
  local rows = {}
  for i, found in ipairs(index.methods(class, documented)) do
    rows[i] = { label = (name or class.owner) .. ":" .. found.name, text = page.first_sentence(found.words) }
  end
  return join { page.paragraphs(class.words), page.rows(field_rows(class.fields)), page.rows(rows) }
end

local function table_page(value)
  local names, rows = {}, {}
  for name, member in next, value do
    if type(name) == "string" and type(member) == "function" then names[#names + 1] = name end
  end
  table.sort(names)
  local path = value == filo and "filo" or name_below(filo, "filo.", value)
  for i, name in ipairs(names) do
    local found = index.of_function(value[name])
    rows[i] = { label = (path and path .. "." or "") .. name, text = found and page.first_sentence(found.words) or "" }
  end
  if not rows[1] then return "Nothing is known of this table." end
  local class = value == filo and index.of_class "filo"
  return join { class and page.paragraphs(class.words) or "", page.rows(class and field_rows(class.fields) or {}), page.rows(rows) }
end

-- Values ----------------------------------------------------------------------------------------------------------------

---The class of an object: that of a method that it has.
local function class_of(value)
  if errors.is(value) then return index.of_class "filo.Error" end
  local meta, _, sealed = debug.getmetatable(value), inside.members(value)
  local methods = sealed or type(meta) == "table" and rawget(meta, "__index")
  for _, method in next, type(methods) == "table" and methods or {} do
    local found, documented = nil, nil
    if type(method) == "function" then found, documented = index.of_function(method) end
    local class = found and index.class_of(found, documented)
    if class then return class, documented end
  end
end

local function value_page(value)
  if type(value) == "function" then return function_page(value) end
  local class, documented = class_of(value)
  if class then return class_page(class, documented) end
  if type(value) == "table" then return table_page(value) end
  return ("Nothing is known of %s. help(filo) lists what there is."):format(value == nil and "nil" or "a " .. type(value))
end

-- Topics ----------------------------------------------------------------------------------------------------------------

---What a path leads to, such as "crypto.random".
local function value_at(root, path)
  local value = root
  for name in path:gmatch "[^.:]+" do value = type(value) == "table" and rawget(value, name) or nil end
  return value
end

---All that has the name, or nil.
local function topic_page(topic)
  local path = topic:lower():gsub("^filo[.:]", "")
  local pages = {}
  local value = path == "filo" and filo or value_at(filo, path)
  if type(value) == "function" or type(value) == "table" then pages[1] = value_page(value) end
  local class = index.class_called(path)
  if class then pages[#pages + 1] = class_page(index.of_class(class)) end
  local of, method = path:match "^(%w+)[.:]([%w_]+)$"
  for _, each in ipairs(index.methods_called(method or path, of)) do
    pages[#pages + 1] = annotation_page(shown_name(each.found, each.documented), each.found)
  end
  if pages[1] then return table.concat(pages, "\n\n\n") end
  value = value_at(_G, topic)
  return value ~= nil and value_page(value) or nil
end

local function named_page(topic)
  local found, command = topic_page(topic), commands.page(topic)
  if found and command then return ("%s\n\n\nOf the command of that name, filo help %s tells."):format(found, topic) end
  if command then return ("A command, for a shell:\n\n%s"):format(command) end
  return found or ("Nothing is called '%s'. help(filo) lists what there is; of commands, filo help tells."):format(topic)
end

-- The face --------------------------------------------------------------------------------------------------------------

---Shown as it is.
local Text = {}
function Text:__tostring() return self.text end

local function text_of(text) return setmetatable({ text = text }, Text) end

return setmetatable({
  ---What the annotations say of a name, or nil.
  ---@param name string
  ---@return string?
  about = topic_page,
}, {
  __tostring = function() return OVERVIEW end,
  ---Help on a function, an object, or by name; without any of these, how to use the prompt.
  __call = function(_, ...)
    if select("#", ...) == 0 then return text_of(OVERVIEW) end
    local topic = ...
    return text_of(type(topic) == "string" and named_page(topic) or value_page(topic))
  end,
})
