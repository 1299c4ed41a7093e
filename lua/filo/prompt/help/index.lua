---Where the annotation of a function or a class is: in Filo's own sources, in the stubs of what is written in C, in a script's file.

local annotations = require "filo.prompt.help.annotations"
local modules = require "filo.core.modules"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

local index = {}

---The classes that scripts meet, by the names that their values usually have.
local CLASSES = {
  channel = "filo.Channel", condition = "filo.Condition", connection = "filo.core.Raw", ctr = "filo.Ctr", error = "filo.Error",
  hasher = "filo.Hasher", identity = "filo.Identity", keys = "filo.Keys", listener = "filo.core.Listener", namespace = "filo.Namespace",
  node = "filo.Node", object = "filo.Object",
  options = "filo.NodeOptions", peer = "filo.Peer", policy = "filo.Policy", receipt = "filo.Receipt", task = "filo.Task",
}

---@class filo.Documented
---@field file string
---@field functions table<integer, filo.Annotation>
---@field classes table<string, filo.Annotation>

---@return filo.Documented?
local function parse(file, source)
  if not source then return nil end
  local functions, classes = annotations.parse(source)
  return { file = file, functions = functions, classes = classes }
end

local embedded = {} -- by file

---There are hundreds: others get their turn between two.
local function read_embedded(file)
  if not embedded[file] then
    runtime.sleep(0)
    embedded[file] = parse(file, modules.source(file))
  end
  return embedded[file]
end

local function read_script(file)
  local opened <close> = io.open(file)
  return opened and parse(file, opened:read "a")
end

-- Functions -------------------------------------------------------------------------------------------------------------

local function find_among(members, fn)
  for name, member in next, members do
    if rawequal(member, fn) then return name end
  end
end

---The name that a function written in C has in the stubs, as its owner and its own.
local function name_in_stubs(fn)
  for module, members in pairs(package.loaded) do
    local owner = module:match "^filo%.core%.(%w+)$"
    local name = owner and find_among(members, fn)
    if name then return owner, name end
  end
  for kind, meta in pairs(debug.getregistry()) do
    local owner = type(kind) == "string" and kind:match "^filo%.(%w+)$"
    local name = owner and type(rawget(meta, "__index")) == "table" and find_among(meta.__index, fn)
    if name then return owner, name end
  end
end

local function find_in_stubs(fn)
  local owner, name = name_in_stubs(fn)
  if not owner then return nil end
  for _, file in ipairs(modules.files()) do
    local documented = file:find "^stubs/" and read_embedded(file)
    for _, found in pairs(documented and documented.functions or {}) do
      if found.owner == owner and found.name == name then return found, documented end
    end
  end
end

---@param fn function
---@return filo.Annotation?, filo.Documented?
function index.of_function(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then return find_in_stubs(fn) end
  local file = info.source:match "^@(.+)$"
  local documented = file and (read_embedded(file) or read_script(file))
  if documented then return documented.functions[info.linedefined], documented end
end

-- Classes ---------------------------------------------------------------------------------------------------------------

---@param class string
---@return filo.Annotation?, filo.Documented?
function index.of_class(class)
  for _, file in ipairs(modules.files()) do
    local documented = read_embedded(file)
    if documented.classes[class] then return documented.classes[class], documented end
  end
end

---The class that a method belongs to.
---@return filo.Annotation?
function index.class_of(found, documented)
  for _, class in pairs(documented.classes) do
    if class.owner and class.owner == found.owner then return class end
  end
end

---Its methods, in the order of the source.
---@return filo.Annotation[]
function index.methods(class, documented)
  local numbers, list = {}, {}
  for number, found in pairs(documented.functions) do
    if found.owner == class.owner and found.separator == ":" and #found.words > 0 then numbers[#numbers + 1] = number end
  end
  table.sort(numbers)
  for i, number in ipairs(numbers) do list[i] = documented.functions[number] end
  return list
end

---The name that a value of a class usually has.
---@return string?
function index.usual_name(class)
  for name, known in pairs(CLASSES) do
    if known == class then return name end
  end
end

-- Names -----------------------------------------------------------------------------------------------------------------

---@param name string
---@return string?
function index.class_called(name) return CLASSES[name] end

---The methods of the classes that scripts meet which are called so.
---@param method string
---@param of? string  the usual name of a value of the class; nil: of any
---@return {found: filo.Annotation, documented: filo.Documented}[]
function index.methods_called(method, of)
  local list = {}
  for _, name in ipairs(sorted_keys(CLASSES)) do
    local class, documented = index.of_class(CLASSES[name])
    for _, found in ipairs(class and (of == nil or of == name) and index.methods(class, documented) or {}) do
      if found.name == method then list[#list + 1] = { found = found, documented = documented } end
    end
  end
  return list
end

return index
