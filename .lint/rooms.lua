-- Who may use whom in lua/filo: reads each `require`, and says where one points upward, into a room that is none of its business, past
-- the host into the core, or around in a circle. When all is well it prints the rooms.  filo .lint/rooms.lua

---The lowest first. `uses`: the rooms that one may use, which stand above it here. `core`: whether it may use what is written in C, or
---the only module in it that may.
local ROOMS = {
  { name = "base", uses = "", core = "filo.base.errors" }, -- the type of errors is the core's
  { name = "host", uses = "base", core = true },
  { name = "http", uses = "base host", core = true },
  { name = "copies", uses = "base host" },
  { name = "placement", uses = "base" },
  { name = "peers", uses = "base host copies" },
  { name = "replication", uses = "base host copies placement peers" },
  { name = "node", uses = "base host http copies placement peers replication" },
  { name = "filo", uses = "base host http copies placement peers replication node", core = true },
  { name = "sim", uses = "base host http copies placement peers replication node filo", core = true },
  { name = "prompt", uses = "base host http copies placement peers replication node filo", core = true },
  { name = "command", uses = "base host http copies placement peers replication node filo sim prompt", core = true },
}

---Modules that are not in the folder of their room.
local ELSEWHERE = { ["filo"] = "filo", ["filo.node"] = "node", ["filo.script"] = "command" }

---Modules whose `require` is given a name that is made while it runs: which modules that may be.
local DYNAMIC = {
  ["filo.command.cli"] = "^filo%.command%.cli%.%w+$",
  ["filo.command.launch"] = "^$", -- option -l: a script's modules
}

local LIBRARIES = { ["filo.argparse"] = true, ["filo.dkjson"] = true }

local problems = {}

local function complain(text, ...) problems[#problems + 1] = text:format(...) end

-- Reading ---------------------------------------------------------------------------------------------------------------

---@return "word"|"string"|"symbol"|nil kind  nil: a blank or a comment
---@return string text  of a string: what is in it
---@return integer after  where the next token starts
local function token(source, at)
  local level = source:match("^%-%-%[(=*)%[", at) or source:match("^%[(=*)%[", at)
  if level then
    local stop, after = source:find("]" .. level .. "]", at, true)
    if source:sub(at, at) == "-" then return nil, "", after + 1 end
    return "string", source:sub(at + #level + 2, stop - 1), after + 1
  end
  local blank = source:match("^%s+()", at) or source:match("^%-%-[^\n]*()", at)
  if blank then return nil, "", blank end
  local word, after_word = source:match("^([%a_][%w_]*)()", at)
  if word then return "word", word, after_word end
  local quote = source:match("^[\"']", at)
  if not quote then return "symbol", source:sub(at, at), at + 1 end
  local stop = at + 1
  while source:sub(stop, stop) ~= quote do stop = stop + (source:sub(stop, stop) == "\\" and 2 or 1) end
  return "string", source:sub(at + 1, stop - 1), stop + 1
end

---@return {kind: string, text: string}[]
local function tokens(source)
  local list, at = {}, 1
  while at <= #source do
    local kind, text, after = token(source, at)
    if kind then list[#list + 1] = { kind = kind, text = text } end
    at = after
  end
  return list
end

---The names that a source requires, and whether there are others that are made while it runs.
---@return string[] names, boolean dynamic
local function requires(source)
  local names, dynamic = {}, false
  local list = tokens(source)
  local function is(i, text) return list[i] and list[i].kind == "symbol" and list[i].text == text end
  for i, each in ipairs(list) do
    if each.kind == "word" and each.text == "require" then
      local parenthesis = is(i + 1, "(")
      local argument = list[i + (parenthesis and 2 or 1)]
      if argument and argument.kind == "string" and (not parenthesis or is(i + 3, ")")) then
        names[#names + 1] = argument.text
      elseif not is(i - 1, ".") then -- another function of that name is somebody's own
        dynamic = true
      end
    end
  end
  return names, dynamic
end

---@class Module
---@field name string
---@field file string
---@field source string
---@field room? string
---@field uses string[]  names of modules

local function room_of(name)
  local room = ELSEWHERE[name] or name:match "^filo%.(%w+)"
  for _, each in ipairs(ROOMS) do
    if each.name == room then return room end
  end
end

---Adds to a module what it requires by names that are made while it runs.
local function add_dynamic(module, list)
  local pattern = DYNAMIC[module.name]
  if not pattern then return complain("%s: requires a name that it makes; say in .lint/rooms.lua which these are", module.file) end
  for _, each in ipairs(list) do
    if each.name:find(pattern) then table.insert(module.uses, each.name) end
  end
end

---@return Module[]  in the order of their names
---@return table<string, Module> by_name
local function read_all()
  local list, by_name = {}, {}
  local files <close> = assert(io.popen("find lua/filo -name '*.lua'"))
  for file in files:lines() do
    local opened <close> = assert(io.open(file))
    local name = file:match "^lua/(.*)%.lua$":gsub("/", ".")
    local module = { name = name, file = file, source = opened:read "a" }
    list[#list + 1], by_name[name] = module, module
  end
  for _, module in ipairs(list) do -- a folder's init.lua is called as the folder, unless that is a file, too
    local folder = module.name:match "^(.*)%.init$"
    if folder and not by_name[folder] then module.name, by_name[folder] = folder, module end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  for _, module in ipairs(list) do
    module.room = room_of(module.name)
    if not module.room then complain("%s: in no room; the rooms are in .lint/rooms.lua", module.file) end
    local dynamic
    module.uses, dynamic = requires(module.source)
    if dynamic then add_dynamic(module, list) end
  end
  return list, by_name
end

-- Checking --------------------------------------------------------------------------------------------------------------

local function has(words, word) return (" " .. words .. " "):find(" " .. word .. " ", 1, true) ~= nil end

---Checks one arrow, and notes what the room uses.
local function check_use(room, module, name, by_name)
  local target = by_name[name]
  if LIBRARIES[name] or not name:find "^filo%f[.\0]" then
    return
  elseif name:find "^filo%.core%." then
    local may = room.core == true or room.core == module.name
    if not may then complain("%s: %s must not reach around the host (%s)", module.file, room.name, name) end
    room.used.core = true
  elseif not target then
    complain("%s: there is no module %s", module.file, name)
  elseif target.room and target.room ~= room.name then
    if not has(room.uses, target.room) then complain("%s: %s must not use %s (%s)", module.file, room.name, target.room, name) end
    room.used[target.room] = true
  end
end

---That nobody may use a room that stands below it in the list: then rooms make no circle.
local function check_order()
  local above = ""
  for _, room in ipairs(ROOMS) do
    for name in room.uses:gmatch "%S+" do
      if not has(above, name) then complain(".lint/rooms.lua: %s may use %s, which is not above it", room.name, name) end
    end
    above = above .. " " .. room.name
  end
end

---Follows what a module uses, and says so when that leads back.
local function check_circles(module, by_name, path)
  if module.done then return end
  if module.step then
    return complain("modules that use one another in a circle: %s > %s", table.concat(path, " > ", module.step), module.name)
  end
  path[#path + 1] = module.name
  module.step = #path
  for _, name in ipairs(module.uses) do
    if by_name[name] then check_circles(by_name[name], by_name, path) end
  end
  path[#path] = nil
  module.step, module.done = nil, true
end

---That the table in the reference has the rooms, in their order.
local function check_reference(rooms)
  local file <close> = assert(io.open "lua/README.md")
  local rows = file:read "a":match "\n| room in `lua/filo` | |\n|[-|]+|\n(.-)\n\n" or ""
  local written = {}
  for name in (rows .. "\n"):gmatch "| `(%w+)[^\n]*\n" do written[#written + 1] = name == "init" and "filo" or name end
  local names = {}
  for _, room in ipairs(rooms) do names[#names + 1] = room.name end
  if table.concat(written, " ") ~= table.concat(names, " ") then
    complain("lua/README.md: its table of rooms should be: %s; it is: %s", table.concat(names, " "), table.concat(written, " "))
  end
end

-- Showing ---------------------------------------------------------------------------------------------------------------

local function show(rooms)
  print "room         modules  uses"
  for _, room in ipairs(rooms) do
    local used = {}
    for _, each in ipairs(ROOMS) do
      if room.used[each.name] then used[#used + 1] = each.name end
    end
    if room.used.core then used[#used + 1] = type(room.core) == "string" and ("core (in %s only)"):format(room.core) or "core" end
    print(("%-12s %7d  %s"):format(room.name, #room.modules, table.concat(used, ", ")))
  end
end

-- All of it -------------------------------------------------------------------------------------------------------------

---Puts modules into their rooms.
---@return table[]  the rooms that there are
local function fill_rooms(modules)
  local there = {}
  for _, room in ipairs(ROOMS) do
    room.modules, room.used = {}, {}
    for _, module in ipairs(modules) do
      if module.room == room.name then table.insert(room.modules, module) end
    end
    if room.modules[1] then there[#there + 1] = room end
  end
  return there
end

local modules, by_name = read_all()
local rooms = fill_rooms(modules)
for _, room in ipairs(rooms) do
  for _, module in ipairs(room.modules) do
    for _, name in ipairs(module.uses) do check_use(room, module, name, by_name) end
  end
end
for _, module in ipairs(modules) do check_circles(module, by_name, {}) end
check_order()
check_reference(rooms)

if problems[1] then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1, true)
end
show(rooms)
