---Commands on roots in a temporary folder, in processes of their own.
---
---    local house <close> = commands.house()
---    local result = house:run("a", "init", "--listen", "127.0.0.1:0")   -- with FILO_ROOT = the folder's "a"
---    local child = house:start("a", "serve")                           -- ends with the house

local process = require "spec.support.process"
local temp = require "spec.support.temp"

local House = {}
House.__index = House

local function house() return setmetatable({ folder = temp.folder(), children = {}, variables = {} }, House) end

function House:root(name) return self.folder:file(name) end

---With house.variables in the environment, too, and the module house.module loaded before.
local function command(self, name, ...)
  local env = { FILO_ROOT = self:root(name), HOME = self.folder.path, XDG_DATA_HOME = "" }
  for variable, value in pairs(self.variables) do env[variable] = value end
  if self.module then return { env = env, "-l", self.module, ... } end
  return { env = env, ... }
end

function House:run(name, ...) return process.run(command(self, name, ...)) end

---As run, in the house's folder.
function House:within(name, ...)
  local options = command(self, name, ...)
  options.cwd = self.folder.path
  return process.run(options)
end

---As run, with a text on standard input.
function House:feed(text, name, ...)
  local options = command(self, name, ...)
  options.stdin = text
  return process.run(options)
end

local function start(self, options)
  local child = process.start(options)
  table.insert(self.children, child)
  return child
end

function House:start(name, ...) return start(self, command(self, name, ...)) end

---As start, in the house's folder.
function House:start_within(name, ...)
  local options = command(self, name, ...)
  options.cwd = self.folder.path
  return start(self, options)
end

---A node that serves. Gives the process, its address and its ID.
function House:serve(name, ...)
  local child = self:start(name, "serve", ...)
  local id, address = child:expect "node (%x+) listens at ([%d.:]+)"
  return child, address, id
end

---A node made by init that serves, and a token from it.
function House:first(name)
  self:run(name, "init", "--listen", "127.0.0.1:0")
  local child, address, id = self:serve(name)
  return child, self:run(name, "invite", "--address", address).out, id, address
end

function House:read(name, file) return self.folder:read(name .. "/" .. file) end
function House:write(name, file, text) self.folder:write(name .. "/" .. file, text) end

---What the shell's commands print, in the house's folder.
function House:shell(text)
  local pipe <close> = assert(io.popen(("cd %s && { %s\n} 2>&1"):format(temp.quote(self.folder.path), text)))
  return pipe:read "a"
end

function House:close()
  for _, child in ipairs(self.children) do child:close() end
  self.folder:remove()
end

House.__close = House.close

return { house = house }
