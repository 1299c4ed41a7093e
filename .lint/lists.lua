---What stands in the sources once and in documents and annotations again: whether they say the same.
---
---    FILO_PATH=lua bin/filo .lint/lists.lua       prints what differs; then the status is 1

local annotations = require "filo.prompt.help.annotations"
local cli = require "filo.command.cli"
local limits = require "filo.host.limits"
local new_hooks = require "filo.host.hooks"
local policy = require "filo.placement.policy"
local protocol = require "filo.peers.protocol"
local runtime = require "filo.core.runtime"
local setup = require "filo.node.setup"

local wrong = false

local function tell(format, ...)
  print(format:format(...))
  wrong = true
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

local function set_of(list)
  local set = {}
  for _, each in ipairs(list) do set[each] = true end
  return set
end

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---Tells of every name that is in one set only.
local function compare(kind, source, in_source, document, in_document)
  for _, name in ipairs(names_of(in_source)) do
    if not in_document[name] then tell("%s: the %s '%s' of %s is missing", document, kind, name, source) end
  end
  for _, name in ipairs(names_of(in_document)) do
    if not in_source[name] then tell("%s: the %s '%s' is not in %s", document, kind, name, source) end
  end
end

---What stands in backquotes.
local function quoted(text)
  local list = {}
  for name in text:gmatch "`([^`]+)`" do list[#list + 1] = name end
  return list
end

---The rows of the first table below a heading of a document, without its head: lists of cells.
local function rows_below(path, heading)
  local section = read(path):match("\n#+ " .. heading .. "\n(.*)") or error(path .. " has no heading " .. heading, 0)
  local rows = {}
  for line in section:match("\n(|[^\n]*\n|[-|]+\n.-\n)\n"):gmatch "[^\n]+" do
    local cells = {}
    for cell in line:gmatch "|([^|]*)" do cells[#cells + 1] = cell:match "^%s*(.-)%s*$" end
    rows[#rows + 1] = cells
  end
  return table.move(rows, 3, #rows, 1, {})
end

-- Options of filo.node --------------------------------------------------------------------------------------------------

local UNITS = { KiB = 1 << 10, MiB = 1 << 20 }

---Whether a cell says what the default is. Of tables that are filled in later, and of none, words may tell.
local function says_default(cell, rule)
  if rule.required then return cell == "required" end
  local value = rule.default
  if value == nil or type(value) == "table" then return not cell:find '^`?["%d]' and cell ~= "true" and cell ~= "false" end
  local count, unit = cell:match "^(%d+) (%a+)$"
  return cell == tostring(value) or cell == ('`"%s"`'):format(value) or UNITS[unit] ~= nil and count * UNITS[unit] == value
end

local function check_options()
  local source, document, init = "lua/filo/node/setup.lua", "lua/README.md", "lua/filo/init.lua"
  local rules = setup.NODE_RULES
  local told, at_once = {}, {}
  for _, row in ipairs(rows_below(document, "Options")) do
    local name = row[1]:match "^`([%w_]+)`$"
    told[name or row[1]] = true
    if rules[name] and not says_default(row[2], rules[name]) then
      tell("%s: says that the default of '%s' is %s; %s says another", document, name, row[2], source)
    end
  end
  compare("option", source, rules, document, told)

  local _, classes = annotations.parse(read(init))
  local annotated = {}
  for _, field in ipairs(classes["filo.NodeOptions"].fields) do
    annotated[field.name] = true
    local rule = rules[field.name]
    if rule and (field.type:sub(-1) == "?") == (rule.required or false) then
      tell("%s: '%s' is %s in %s", init, field.name, rule.required and "required" or "optional", source)
    end
  end
  compare("option", source, rules, init .. ", filo.NodeOptions", annotated)

  for name, rule in pairs(rules) do at_once[name] = rule.at_once end
  local sentence = read(document):match "\n`node:configure.-in a table as for `filo.node`%. (.-) hold at once"
  compare("option that holds at once", source, at_once, document .. ", node:configure", set_of(quoted(sentence or "")))
  sentence = read("lua/filo/node.lua"):match "in place of those that it was made with: (.-)%."
  compare("option that holds at once", source, at_once, "lua/filo/node.lua, Node:configure", set_of(quoted(sentence or "")))
end

-- Policies --------------------------------------------------------------------------------------------------------------

local function check_policies()
  local shipped, told = {}, {}
  for name in pairs(policy.shipped()) do shipped[name] = true end
  for _, row in ipairs(rows_below("lua/README.md", "Policies")) do told[row[1]:match "^`%.([%w_]+)" or row[1]] = true end
  compare("policy", "lua/filo/placement/policy.lua", shipped, "lua/README.md", told)
end

-- Hooks -----------------------------------------------------------------------------------------------------------------

local function check_hooks()
  local source = "lua/filo/host/hooks.lua"
  local _, problem = pcall(function() new_hooks({}):add("?", print) end)
  local known = set_of {}
  for name in problem:match("known are: (.*)$"):gmatch "[%w_]+" do known[name] = true end

  local told = {}
  for _, row in ipairs(rows_below("lua/README.md", "Hooks")) do
    for _, name in ipairs(quoted(row[1])) do told[name] = true end
  end
  compare("hook", source, known, "lua/README.md", told)

  local functions = annotations.parse(read "lua/filo/node.lua")
  local annotated = {}
  for _, found in pairs(functions) do
    if found.owner == "Node" and found.name == "on" then
      for name in table.concat(found.words, " "):match("Names: (.-)%."):gmatch "[%w_]+" do annotated[name] = true end
    end
  end
  compare("hook", source, known, "lua/filo/node.lua, Node:on", annotated)

  local called = {}
  for _, line in ipairs(lines_of "grep -rhoE 'hooks:(run|announce|allow)\\(\"[a-z_]+\"' lua/filo") do called[line:match '"(.-)"'] = true end
  compare("hook", source, known, "the calls in lua/filo", called)
end

-- Limits ----------------------------------------------------------------------------------------------------------------

---Where a document quotes limits: a pattern whose captures are these limits in their order, in the unit that follows, if one does.
local QUOTES = {
  { "README.md", "; (%d+) requests of one peer are answered at once", "requests" },
  { "README.md", "copies on their way in | (%d+) at a node, (%d+) from one peer", "landings", "landings_of_peer" },
  { "lua/README.md", "takes less than (%d+ KiB) in (%d+) seconds, the policy", "least_bytes", "send_stall" },
  { "lua/README.md", "asks a peer .-; (%d+) seconds by default", "request" },
  { "lua/README.md", "Of one peer, (%d+) requests or (%d+ MiB) of them are served", "requests", "request_bytes" },
  { "lua/README.md", "Hooks may wait, for up to (%d+)%s+seconds", "hook" },
  { "lua/README.md", "One that goes on for (%d+) seconds without waiting is stopped", "compute" },
  { "lua/README.md", "SIGTERM, and SIGKILL (%d+) seconds later", "parting" },
  { "lua/README.md", "or when it has written more than (%d+ MiB)", "output" },
  { "lua/README.md", "is listened to until it says nothing for (%d+) second", "left_running" },
  { "lua/filo/host/program.lua", "SIGTERM, and SIGKILL (%d+) seconds later", "parting" },
  { "lua/filo/host/program.lua", "It may write (%d+ MiB)", "output" },
  { "lua/filo/node.lua", "%-%-%-@param seconds%? number  deadline, (%d+) by default", "request" },
  { "core/README.md", "a peer that takes less than (%d+ KiB) in (%d+) seconds then is dropped", "least_bytes", "send_stall" },
  { "core/README.md", "accepted and not let in yet | (%d+); when one more", "strangers" },
  { "core/README.md", "requests of one peer that are served at a time | (%d+), or (%d+ MiB) of them", "requests", "request_bytes" },
  { "core/README.md", "of all peers (%d+ MiB), beyond which each may have (%d+ KiB)", "requests_of_all", "request_part" },
  { "core/README.md", "of scripts that one peer opens at a time | (%d+), .-; of all peers (%d+ MiB), at (%d+ KiB) .- may have (%d+ KiB)",
    "streams", "streams_of_all", "stream_cost", "stream_part" },
  { "lua/README.md", "Of one peer, (%d+) streams are handled", "streams" },
  { "core/README.md", "that one peer reads at a time | (%d+), .-; all peers (%d+), beyond which each may have (%d+)", "reads_of_peer",
    "reads", "read_part" },
  { "core/README.md", "also of peers that were let in | (%d+); no more", "accepted" },
  { "core/README.md", "peers that came, .- | (%d+); when one more", "peers" },
  { "core/README.md", "A node answers up to (%d+) requests of one peer", "requests" },
  { "core/README.md", "A node keeps (%d+) and (%d+) seconds", "ping", "silence" },
  { "core/README.md", "it asks at most (%d+) of its own questions at once", "questions" },
}

local function check_limits()
  for _, quote in ipairs(QUOTES) do
    local path, pattern = quote[1], quote[2]
    local found = table.pack(read(path):match(pattern))
    if not found[1] then tell("%s: nothing matches '%s', where limits are quoted: change .lint/lists.lua with it", path, pattern) end
    for i = 1, found[1] and found.n or 0 do
      local count, unit = found[i]:match "^(%d+) ?(%a*)$"
      local name, value = quote[2 + i], count * (UNITS[unit] or 1)
      if value ~= limits[name] then
        tell("%s: says %s where '%s' in lua/filo/host/limits.lua is %s", path, found[i], name, limits[name])
      end
    end
  end
end

-- Commands --------------------------------------------------------------------------------------------------------------

local DOCUMENTS = {
  "README.md", "lua/README.md", "core/README.md",
  "scripts/system/filo.1", "scripts/system/filo-commands.lua", "scripts/system/filo.service",
}

local function check_commands()
  local source, names = "lua/filo/command/cli.lua", set_of(cli.NAMES)
  local files = {}
  for _, path in ipairs(lines_of "ls lua/filo/command/cli/*.lua") do files[path:match "([^/]+)%.lua$"] = true end
  compare("command", source, names, "lua/filo/command/cli/", files)

  for _, path in ipairs(DOCUMENTS) do
    for name, after in read(path):gsub("Nm filo Cm ", "/filo "):gmatch "[\n`/]filo (%a[%a-]*)([^\n`]?[^\n`]*)" do
      local is_other = after:sub(1, 4) == ".lua" or after:sub(1, 1) == "/" or after:find "^[%l ]* v%d" -- a script, a label of the formats
      if not names[name] and not is_other then tell("%s: there is no command '%s'", path, name) end
    end
  end
end

-- Topics ----------------------------------------------------------------------------------------------------------------

local function check_topics()
  local source, told = "lua/filo/peers/protocol.lua", {}
  for line in read("core/README.md"):match("\n| topic | request | reply |\n(.-)\n\n"):gmatch "[^\n]+" do
    local name = line:match "^| `([%w_]+)`"
    if name then told[name] = true end
  end
  compare("topic", source, protocol.topics, "core/README.md", told)
  local sentence = read("lua/README.md"):match "The topics (.-) are Filo's own"
  compare("topic", source, protocol.topics, "lua/README.md", set_of(quoted(sentence or "")))
end

-- Paths and links -------------------------------------------------------------------------------------------------------

local READ_BY_PEOPLE = { "README.md", "core/README.md", "lua/README.md", "spec/HACKING.md" }

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

---The anchors of a document's headings.
local function anchors_of(path)
  local anchors = {}
  for heading in ("\n" .. read(path)):gmatch "\n#+ ([^\n]+)" do
    anchors[heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-")] = true
  end
  return anchors
end

local function check_link(document, link)
  local name, anchor = link:match "^([^#]*)#?(.*)$"
  local path = name == "" and document or (document:match "^.*/" or "") .. name
  path = path:gsub("[^/]+/%.%./", "")
  if not exists(path) then
    tell("%s: a link leads to %s, which is not there", document, link)
  elseif anchor ~= "" and not anchors_of(path)[anchor] then
    tell("%s: a link leads to %s, and there is no such heading", document, link)
  end
end

local function check_paths()
  for _, document in ipairs(READ_BY_PEOPLE) do
    local text = read(document)
    for link in text:gmatch "%]%(([^)]+)%)" do
      if not link:find "://" then check_link(document, link) end
    end
    for _, name in ipairs(quoted(text)) do
      local folder = name:match "^([%w.]+)/[%w_/.-]*%.[%a]+$"
      local is_ours = folder and exists(folder) and not name:find "%u%u" -- NAME stands for another
      if is_ours and not exists(name) then tell("%s: %s is not there", document, name) end
    end
  end
end

-- Error codes -----------------------------------------------------------------------------------------------------------

---What only commands give: exit.lua turns these into a status of their own.
local COMMANDS_OWN = { usage = true, not_running = true }

local function check_error_codes()
  local source, document, codes = "core/error.h", "lua/README.md", runtime.error_codes()
  local told = {}
  for _, row in ipairs(rows_below(document, "Failures")) do
    local name = row[1]:match "^`([%w_]+)`$" or row[1]
    told[name] = true
    local code = codes[name]
    if code and code.meaning ~= row[2] then tell("%s: says that '%s' is: %s; %s says: %s", document, name, row[2], source, code.meaning) end
    if code and code.retryable ~= (row[3] == "yes") then tell("%s: says another of whether '%s' is retryable", document, name) end
  end
  compare("error code", source, codes, document, told)

  local given = lines_of [[grep -rhoE '(errors\.(new|fail)|filo\.error)[( ]*"[a-z_]+"' lua/filo scripts]]
  for _, line in ipairs(given) do
    local name = line:match '"(.-)"'
    if not codes[name] and not COMMANDS_OWN[name] then tell("lua/filo: '%s' is no error code of %s", name, source) end
  end
end

-- Folders ---------------------------------------------------------------------------------------------------------------

local function check_folders(parent, document, heading)
  local folders, told = {}, {}
  for _, path in ipairs(lines_of(("ls -d %s/*/"):format(parent))) do folders[path:match "([^/]+)/$"] = true end
  for _, row in ipairs(rows_below(document, heading)) do
    for _, name in ipairs(quoted(row[1])) do
      if name:sub(-1) == "/" then told[name:sub(1, -2)] = true end
    end
  end
  compare("folder", parent, folders, document, told)
end

check_folders("lua/filo", "lua/README.md", "The process")
check_folders("core", "core/README.md", "Layers and folders")
check_folders("spec", "spec/HACKING.md", "Where things are")
check_options()
check_policies()
check_hooks()
check_limits()
check_commands()
check_topics()
check_paths()
check_error_codes()
os.exit(not wrong, true)
