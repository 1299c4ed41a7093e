---A node that serves S3 to programs of others, and these programs.
---
---    local server <close> = s3_server.start()
---    server:run("rclone", "lsf", "filo:bucket")      -- what it prints; an error when it fails
---    server.house, server.folder, server.endpoint; server.id and server.secret, which may be another key's

local assert = require "luassert"
local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Seconds for one call of a program.
local SECONDS = 100

---What finds out whether a program is there, and which package of Debian has it.
local PROGRAMS = {
  rclone = { "command -v rclone", "rclone" },
  restic = { "command -v restic", "restic" },
  s3cmd = { "command -v s3cmd", "s3cmd" },
  ["/usr/bin/aws"] = { "command -v /usr/bin/aws", "awscli" },
  curl = { "command -v curl", "curl" },
  ["/usr/bin/python3"] = { "/usr/bin/python3 -c 'import boto3'", "python3-boto3" },
}

---@class spec.S3Server
local Server = {}
Server.__index = Server

local s3_server = {}

---@param options? string  more of node.lua
---@param own? string  more of its `s3`
function s3_server.start(options, own)
  local house = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:write("a", "node.lua", ('return { listen = "127.0.0.1:0", s3 = { address = "127.0.0.1:0", %s }, %s }'):format(own or "",
    options or ""))
  local child = house:serve "a"
  local endpoint = child:expect "serves S3 at (http://[%d.:]+)/"
  local self = setmetatable({ house = house, child = child, endpoint = endpoint, folder = house.folder }, Server)
  self.id, self.secret = self:key()
  return self
end

---Makes a key.
---@param ... string  arguments of `filo http-key`
---@return string id, string secret
function Server:key(...)
  local made = self.house:run("a", "http-key", ...)
  assert.equal(0, made.status, made.err)
  return made.out:match "^([%u%d]+):([%u%d]+)\n$"
end

---What programs are told by their environment: of the machine that the specs run on they are to know nothing else.
local function environment(self)
  return {
    HOME = self.folder.path, LC_ALL = "C.UTF-8", TZ = "UTC", AWS_ACCESS_KEY_ID = self.id, AWS_SECRET_ACCESS_KEY = self.secret,
    AWS_DEFAULT_REGION = "us-east-1", AWS_EC2_METADATA_DISABLED = "true", AWS_CA_BUNDLE = "", AWS_ENDPOINT = self.endpoint,
    http_proxy = "", https_proxy = "", no_proxy = "127.0.0.1",
    RCLONE_CONFIG = self.folder:file "rclone.conf", RCLONE_CONFIG_FILO_TYPE = "s3", RCLONE_CONFIG_FILO_PROVIDER = "Other",
    RCLONE_CONFIG_FILO_ENV_AUTH = "true", RCLONE_CONFIG_FILO_ENDPOINT = self.endpoint, RESTIC_PASSWORD = "secret",
    RESTIC_REPOSITORY = ("s3:%s/backups/restic"):format(self.endpoint), RESTIC_CACHE_DIR = self.folder:file "restic-cache",
  }
end

---Fails with a sentence when a program is not there.
local function check_installed(program)
  local probe, package = table.unpack(PROGRAMS[program])
  if process.run { program = "sh", "-c", probe }.status == 0 then return end
  error(("the package %s is not installed: scripts/dependencies.sh test does that"):format(package), 0)
end

---Runs a program in the house's folder.
---@return {status?: integer, out: string, err: string}
function Server:try(program, ...)
  check_installed(program)
  return process.run { program = program, cwd = self.folder.path, env = environment(self), seconds = SECONDS, ... }
end

---The same; an error, with what it has written, unless it succeeds.
---@return string out
function Server:run(program, ...)
  local result = self:try(program, ...)
  if result.status ~= 0 then
    error(("%s\nended with %s\n%s%s"):format(table.concat({ program, ... }, " "), tostring(result.status), result.out, result.err), 0)
  end
  return result.out
end

---Files with names that programs find hard, in a folder `tree`; the last one is large enough to be sent in parts.
---@return string[] names  of those, in the order of their bytes
function s3_server.tree(folder)
  local names = { "a b+c&d", "a/b/c", "a/b/d", "a/e", "empty", "perc%41", "quote'", "\u{1f600}/\u{fc}", "z/large" }
  for _, name in ipairs(names) do
    local path = "tree/" .. name
    assert(os.execute("mkdir -p " .. temp.quote(folder:file(path:match "^(.*)/"))))
    folder:write(path, name == "empty" and "" or name == "z/large" and ("0123456789abcdef"):rep(20 << 16) or name)
  end
  table.sort(names)
  return names
end

---Names of what the node itself says to have below a folder.
---@return string[]
function Server:names(folder)
  local listed, names = self.house:run("a", "ls", "--json", folder), {}
  assert.equal(0, listed.status, listed.err)
  for line in listed.out:gmatch "[^\n]+" do names[#names + 1] = json.decode(line).key:sub(#folder + 2) end
  return names
end

---The tree, and a folder that should be the same.
function Server:check_same(name)
  local result = process.run { program = "diff", "-r", self.folder:file "tree", self.folder:file(name) }
  assert.equal(0, result.status, result.out .. result.err)
end

function Server:close() self.house:close() end

Server.__close = Server.close

return s3_server
